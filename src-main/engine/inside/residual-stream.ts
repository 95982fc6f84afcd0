import { EngineError } from '../api/errors.ts';
import type { Batch, CellBlock, Outputs, RunResult } from '../executors/executor.ts';
import { HostYield } from '../generation/host-yield.ts';
import { SHORT_SLICE_TOKENS, SLICE_TOKENS } from '../generation/prefill.ts';
import { layersOf, partialProgram, tappedTensor, tensorName } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { TAPS } from '../program/taps.ts';
import { required } from './partial-runs.ts';
import type { InsideRun } from './tapped-row.ts';

/** Bytes of inputs of layers that are kept per run; with more, only those of every nth layer are. */
const KEPT_BYTES = 128 * 2 ** 20;
/** Layers per run of all tokens: few enough that little is lost when a question is cancelled. */
const LAYERS_AT_ONCE = 3;
/** Bytes of attention weights that a slice returns: `[heads, rows, context]`. */
const WEIGHT_BYTES = 32 * 2 ** 20;
/** With fewer rows, threads have too little to do. */
const MIN_ROWS = 8;

/** Receives the taps of rows `from` up to `to`, which are the rows of the tensors. */
type OnSlice = (taps: RunResult['taps'], from: number, to: number) => void;

/** What is wanted of a layer, for tokens `from` up to `to`. */
export interface WantedOfLayer {
  readonly from: number;
  readonly to: number;
  readonly tensors: readonly number[];
  /** Of these, the ones that are wanted for the tokens before `from` too. */
  readonly before?: readonly number[];
  /** Whether attention weights are wanted. */
  readonly attention: boolean;
}

/**
 * The residual stream of a whole run, computed layer by layer and only as far as somebody asks. It keeps the input of some
 * layers, so that any of those computed can be computed again without the ones before it. All of that writes K and V to
 * blocks of cells beside the cache, for a few layers each, which a chat does not notice.
 */
export class ResidualStream {
  /** By layer, from 1: the first one's are the embeddings. */
  private readonly kept = new Map<number, Float32Array>();
  /** The input of every so many layers is kept. */
  private readonly step: number;
  private readonly layers: number;
  private readonly hidden: number;
  /** Layers that are computed, and the input of the next one. */
  private done = 0;
  private next: Float32Array | null = null;

  /** @param keptBytes of inputs of layers */
  constructor({ program, ids }: Pick<InsideRun, 'program' | 'ids'>, keptBytes = KEPT_BYTES) {
    this.layers = program.kvWidths.length;
    this.hidden = program.tensors[streamTensor({ program }, 0)].width;
    this.step = Math.max(1, Math.ceil((4 * ids.length * this.hidden * this.layers) / keptBytes));
  }

  /** Bytes of all that is kept. */
  get bytes(): number {
    const kept = new Set([...this.kept.values(), ...(this.next ? [this.next] : [])]);
    return [...kept].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /**
   * Computes a layer again, from the nearest kept input.
   * @throws EngineError OUT_OF_MEMORY, CANCELLED; completed layers stay
   */
  async layer(run: InsideRun, layer: number, wanted: WantedOfLayer, onSlice: OnSlice): Promise<void> {
    const { tensors, before = [] } = wanted;
    const first = layer - (layer % this.step);
    const began = Math.min(this.done, first);
    // In layers.
    const report = (done: number) => run.onProgress?.((done - began) / (layer + 1 - began));
    await this.computeTo(run, first, report);
    const input = first === 0 ? null : streamTensor(run, first);
    const inputs = input === null ? [] : [input];
    const rows = input === null ? null : this.kept.get(first);
    if (rows === undefined) throw new EngineError('INTERNAL', `The input of layer ${first} was not kept.`);
    // K and V of the tokens before are needed in any case.
    const outputsOf = (some: readonly number[], attention: boolean) => ({
      logits: [],
      program: partialProgram(run.program, { given: inputs, wanted: some, attention: [layer] }),
      taps: [...some.map(tensorName), ...(attention ? [TAPS.attentionWeights(layer)] : [])],
    });
    const givenRows = given(input, rows, this.hidden);
    // Without the causal mask, all tokens run at once.
    const [from, to] = run.causal ? [wanted.from, wanted.to] : [0, run.ids.length];
    const step = wanted.attention ? rowsPerSlice(run, layer, to) : SLICE_TOKENS;
    const onRows: OnSlice = (taps, fromRow, toRow) => {
      onSlice(taps, fromRow, toRow);
      report(first + ((layer + 1 - first) * toRow) / to);
    };
    const ofBefore = outputsOf(before, false);
    const ofWanted = outputsOf(tensors, wanted.attention);
    await inBlock(run, [ofBefore.program, ofWanted.program], async (block) => {
      await runSlices(run, block, { from: 0, to: from }, ofBefore, onRows, givenRows);
      await runSlices(run, block, { from, to, step }, ofWanted, onRows, givenRows);
    });
  }

  /** Computes the layers before this one. */
  private async computeTo(run: InsideRun, layer: number, report: (done: number) => void): Promise<void> {
    while (this.done < layer) await this.advance(run, Math.min(layer, this.done + LAYERS_AT_ONCE), report);
  }

  /** Computes the next layers, up to `end`. */
  private async advance(run: InsideRun, end: number, report: (done: number) => void): Promise<void> {
    const { hidden, next: rows, done } = this;
    const { program, ids } = run;
    const input = this.done === 0 ? null : streamTensor(run, this.done);
    /** Of the layers after these. */
    const inputs = Array.from({ length: end - this.done }, (_, i) => this.done + 1 + i)
      .filter((layer) => this.isKept(layer) || layer === end)
      .map((layer) => ({ layer, tensor: streamTensor(run, layer), rows: new Float32Array(ids.length * hidden) }));
    const wanted = inputs.map(({ tensor }) => tensor);
    const part = partialProgram(program, { given: input === null ? [] : [input], wanted });
    const outputs = { logits: [], program: part, taps: wanted.map(tensorName) };
    const onSlice: OnSlice = (taps, from, to) => {
      for (const { tensor, rows } of inputs) {
        rows.set(required(taps.get(tensorName(tensor))).data, from * hidden);
      }
      report(done + ((end - done) * to) / ids.length);
    };
    await inBlock(run, [part], (block) =>
      runSlices(run, block, { from: 0, to: ids.length }, outputs, onSlice, given(input, rows, hidden)),
    );
    for (const { layer, rows } of inputs) if (this.isKept(layer)) this.kept.set(layer, rows);
    this.done = end;
    this.next = inputs.at(-1)?.rows ?? null;
  }

  private isKept(layer: number): boolean {
    return layer > 0 && layer < this.layers && layer % this.step === 0;
  }
}

/** The residual stream before a layer; after the last one for the number of layers. */
export function streamTensor(run: Pick<InsideRun, 'program'>, layer: number): number {
  return requiredTensor(run, layer === 0 ? TAPS.embedding : TAPS.layerOutput(layer - 1));
}

export function requiredTensor({ program }: Pick<InsideRun, 'program'>, tap: string): number {
  const tensor = tappedTensor(program, tap);
  if (tensor === undefined) throw new EngineError('INTERNAL', `The program does not name ${tap}.`);
  return tensor;
}

/** Rows `from` up to `to` of a tensor, as a run is given them; nothing without a tensor. */
function given(
  tensor: number | null,
  rows: Float32Array | null,
  width: number,
): (from: number, to: number) => Partial<Outputs> {
  if (tensor === null || rows === null) return () => ({});
  return (from, to) => ({ given: new Map([[tensorName(tensor), rows.subarray(from * width, to * width)]]) });
}

/** As many rows as their attention weights have room for. */
function rowsPerSlice({ program }: InsideRun, layer: number, context: number): number {
  const op = program.ops.find((other) => other.op === 'attention' && other.attributes.layer === layer);
  const heads = op?.op === 'attention' ? op.attributes.heads : 1;
  return Math.max(MIN_ROWS, Math.min(SLICE_TOKENS, Math.floor(WEIGHT_BYTES / (4 * heads * context))));
}

/** @param programs that run in the block */
async function inBlock<T>(
  { executor, ids }: InsideRun,
  programs: readonly Program[],
  use: (block: CellBlock) => Promise<T>,
): Promise<T> {
  const block = await executor.allocateCells(
    ids.length,
    new Set(programs.flatMap((program) => [...layersOf(program)])),
  );
  try {
    return await use(block);
  } finally {
    block.release();
  }
}

/** Runs tokens `from` up to `to` in slices; all at once without the causal mask. */
async function runSlices(
  { ids, causal, executor, platform, cancel }: InsideRun,
  block: CellBlock,
  range: { from: number; to: number; step?: number },
  outputs: Outputs,
  onSlice: OnSlice,
  perSlice: (from: number, to: number) => Partial<Outputs>,
): Promise<void> {
  const hostYield = new HostYield(platform);
  // Shorter ones where cancelling is only noticed between them.
  const most = hostYield.isOnlyPoll ? SHORT_SLICE_TOKENS : SLICE_TOKENS;
  const step = causal ? Math.min(most, range.step ?? most) : range.to;
  for (let { from } = range; from < range.to; from += step) {
    const to = Math.min(range.to, from + step);
    const { taps } = await executor.run(
      sliceBatch(ids, from, to, block),
      { ...outputs, ...perSlice(from, to) },
      cancel,
    );
    onSlice(taps, from, to);
    await hostYield.ifDue();
  }
}

/** Tokens `from` up to `to`, token i in cell i. */
function sliceBatch(ids: readonly number[], from: number, to: number, block: CellBlock): Batch {
  const all = Int32Array.from({ length: to }, (_, i) => i);
  const own = all.subarray(from);
  const tokens = Int32Array.from(ids.slice(from, to));
  const contexts = [{ cells: all, positions: all }];
  return { tokens, positions: own, cells: own, sequences: new Int32Array(to - from), contexts, block };
}
