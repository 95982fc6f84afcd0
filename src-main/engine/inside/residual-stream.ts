import { EngineError } from '../api/errors.ts';
import type { Batch, CellBlock, Outputs, RunResult } from '../executors/executor.ts';
import { OWN } from '../generation/context-window.ts';
import { HostYield } from '../generation/host-yield.ts';
import { SHORT_SLICE_TOKENS } from '../generation/prefill.ts';
import { partialProgram, tappedTensor, tapTensors, tensorName } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { required } from './partial-runs.ts';
import { type InsideRun, readableVariants, variantOf } from './tapped-row.ts';

/** Bytes of inputs of layers that are kept per run; with more, only those of every nth layer are. */
const KEPT_BYTES = 128 * 2 ** 20;

/** Lengths of the rows of the residual stream, `[layers + 1, tokens]`, and of what blocks add, `[layers, tokens]`. */
export interface StreamNorms {
  readonly stream: Float32Array;
  readonly attention: Float32Array;
  readonly feedForward: Float32Array;
}

/** Receives the taps of rows `from` up to `to`, which are the rows of the tensors. */
type OnSlice = (taps: RunResult['taps'], from: number, to: number) => void;

/**
 * The residual stream of a whole run. It keeps the input of some layers, so that any layer can be computed again without
 * those before it. What is computed again writes K and V to a block of cells beside the cache, which a chat does not
 * notice.
 */
export class ResidualStream {
  private constructor(
    private readonly kept: ReadonlyMap<number, Float32Array>,
    readonly norms: StreamNorms,
    readonly bytes: number,
  ) {}

  /**
   * Runs all tokens.
   * @throws EngineError OUT_OF_MEMORY, CANCELLED
   */
  static async compute(run: InsideRun): Promise<ResidualStream> {
    const { program, ids } = run;
    const layers = program.kvWidths.length;
    const hidden = program.tensors[layerInput(run, 0)].width;
    const all = Array.from({ length: layers }, (_, layer) => layer);
    const step = Math.max(1, Math.ceil((4 * ids.length * hidden * layers) / KEPT_BYTES));
    const kept = new Map(
      all.filter((layer) => layer % step === 0).map((layer) => [layer, new Float32Array(ids.length * hidden)]),
    );
    const inputs = [...all.map((layer) => layerInput(run, layer)), requiredTensor(run, TAPS.layerOutput(layers - 1))];
    const attention = all.map((layer) => requiredTensor(run, TAPS.attentionBlock(layer)));
    const feedForward = all.map((layer) => requiredTensor(run, TAPS.feedForwardBlock(layer)));
    const norms = {
      stream: new Float32Array(inputs.length * ids.length),
      attention: new Float32Array(layers * ids.length),
      feedForward: new Float32Array(layers * ids.length),
    };
    const tensors = [...new Set([...inputs, ...attention, ...feedForward])];
    const outputs = { logits: [], program: tapTensors(program, tensors), taps: tensors.map(tensorName) };
    const onSlice: OnSlice = (taps, from) => {
      const rowsOf = (tensor: number) => required(taps.get(tensorName(tensor))).data;
      inputs.forEach((tensor, layer) => {
        kept.get(layer)?.set(rowsOf(tensor), from * hidden);
        measure(rowsOf(tensor), hidden, norms.stream, layer * ids.length + from);
      });
      attention.forEach((tensor, i) => measure(rowsOf(tensor), hidden, norms.attention, i * ids.length + from));
      feedForward.forEach((tensor, i) => measure(rowsOf(tensor), hidden, norms.feedForward, i * ids.length + from));
    };
    const isCached = !run.causal || run.context.holds(ids, readableVariants(run));
    if (!isCached) await runInWindow(run, outputs, onSlice);
    else await inBlock(run, (block) => runSlices(run, block, ids.length, outputs, onSlice));
    return new ResidualStream(kept, norms, 4 * ids.length * (hidden * kept.size + 3 * layers));
  }

  /**
   * Computes a layer again, from the nearest kept input.
   * @param upTo tokens that are needed: the layer's K and V of all before it are
   * @param wanted tensors, and whether attention weights are needed
   */
  async layer(
    run: InsideRun,
    layer: number,
    upTo: number,
    wanted: { tensors: readonly number[]; attention: boolean },
    onSlice: OnSlice,
  ): Promise<void> {
    const from = Math.max(...[...this.kept.keys()].filter((other) => other <= layer));
    const given = layerInput(run, from);
    const rows = this.kept.get(from);
    if (!rows) throw new EngineError('INTERNAL', `The input of layer ${from} was not kept.`);
    const { width } = run.program.tensors[given];
    const attention = wanted.attention ? [layer] : [];
    const program = partialProgram(run.program, { given: [given], wanted: wanted.tensors, attention });
    const taps = [...wanted.tensors.map(tensorName), ...(wanted.attention ? [TAPS.attentionWeights(layer)] : [])];
    const end = run.causal ? upTo : run.ids.length;
    await inBlock(run, (block) =>
      runSlices(run, block, end, { logits: [], program, taps }, onSlice, (first, last) => ({
        given: new Map([[tensorName(given), rows.subarray(first * width, last * width)]]),
      })),
    );
  }
}

/** The tensor that a layer reads. */
export function layerInput(run: InsideRun, layer: number): number {
  return requiredTensor(run, layer === 0 ? TAPS.embedding : TAPS.layerOutput(layer - 1));
}

export function requiredTensor({ program }: InsideRun, tap: string): number {
  const tensor = tappedTensor(program, tap);
  if (tensor === undefined) throw new EngineError('INTERNAL', `The program does not name ${tap}.`);
  return tensor;
}

/** Runs all tokens in a new sequence of the cache, where `tapRow` finds their K and V. */
async function runInWindow(run: InsideRun, outputs: Outputs, onSlice: OnSlice): Promise<void> {
  const { context, ids, platform, cancel } = run;
  const hostYield = new HostYield(platform);
  context.switchTo(variantOf(run));
  try {
    context.fresh();
    while (context.length < ids.length) {
      const from = context.length;
      const slice = ids.slice(from, from + SHORT_SLICE_TOKENS);
      const { taps } = await context.run(slice, outputs, cancel);
      onSlice(taps, from, from + slice.length);
      await hostYield.ifDue();
    }
  } finally {
    context.switchTo(OWN);
  }
}

async function inBlock<T>({ executor, ids }: InsideRun, use: (block: CellBlock) => Promise<T>): Promise<T> {
  const block = await executor.allocateCells(ids.length);
  try {
    return await use(block);
  } finally {
    block.release();
  }
}

/** Runs the first `end` tokens in slices; all at once without the causal mask. */
async function runSlices(
  { ids, causal, executor, platform, cancel }: InsideRun,
  block: CellBlock,
  end: number,
  outputs: Outputs,
  onSlice: OnSlice,
  perSlice: (from: number, to: number) => Partial<Outputs> = () => ({}),
): Promise<void> {
  const hostYield = new HostYield(platform);
  const step = causal ? SHORT_SLICE_TOKENS : end;
  for (let from = 0; from < end; from += step) {
    const to = Math.min(end, from + step);
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

/** Writes the length of each row. */
function measure(rows: Float32Array, width: number, lengths: Float32Array, at: number): void {
  for (let row = 0; row * width < rows.length; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += rows[i] ** 2;
    lengths[at + row] = Math.sqrt(squares);
  }
}
