import type { CancelToken, Platform } from '../api/platform.ts';
import type { Intervention } from '../api/inside-types.ts';
import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import { type ContextWindow, OWN } from '../generation/context-window.ts';
import { HostYield } from '../generation/host-yield.ts';
import { SHORT_SLICE_TOKENS, SLICE_TOKENS } from '../generation/prefill.ts';
import type { Model } from '../models/model.ts';
import { partialProgram, tapTensors, tensorName } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { required } from './partial-runs.ts';
import type { OnProgress } from './query-progress.ts';

/** Bytes of tensors that a run returns. */
const TAPPED_BYTES = 32 * 2 ** 20;

/** A prompt and the program that runs it: the model's own, or one with interventions. */
export interface InsideRun {
  readonly model: Model;
  readonly executor: Executor;
  readonly context: ContextWindow;
  readonly platform: Platform;
  readonly program: Program;
  readonly interventions: readonly Intervention[];
  /** With replaced tokens. */
  readonly ids: readonly number[];
  readonly causal: boolean;
  readonly cancel: CancelToken | undefined;
  readonly onProgress?: OnProgress;
}

/** What one token's row was in a run. */
export interface TappedRow {
  /** By tensor: `[width]`. */
  readonly tensors: ReadonlyMap<number, Float32Array>;
  /** `[vocabulary]`, raw. */
  readonly logits: Float32Array;
}

/**
 * Returns tensors of one token's row. K and V of the tokens before it are found in the cache or computed untapped, and stay
 * there; so this costs about one step of the model. Without the causal mask, all tokens run at once.
 * @param index of the token
 * @throws EngineError CANCELLED
 */
export async function tapRow(run: InsideRun, index: number, tensors: readonly number[]): Promise<TappedRow> {
  const { program } = run;
  const tapped = { taps: tensors.map(tensorName), program: tapTensors(program, tensors) };
  const { result, first } = await runRows(run, { from: index, to: index + 1 }, (row) => ({ ...tapped, logits: [row] }));
  const rowOf = (tensor: number) => {
    const { width } = program.tensors[tensor];
    return required(result.taps.get(tensorName(tensor))).data.slice(first * width, (first + 1) * width);
  };
  return { tensors: new Map(tensors.map((tensor) => [tensor, rowOf(tensor)])), logits: await result.logits[0].read() };
}

/** Rows `[from, to)` of tensors. */
export interface TappedRows {
  readonly from: number;
  readonly to: number;
  /** `[to - from, width]` */
  readonly of: (tensor: number) => Float32Array;
}

/**
 * Returns tensors of some tokens' rows, a slice at a time, from a run of the layers that compute them. K and V of the tokens
 * before are found or computed as for `tapRow`.
 * @throws EngineError CANCELLED
 */
export async function* tapRows(
  run: InsideRun,
  { from, to }: { from: number; to: number },
  tensors: readonly number[],
): AsyncGenerator<TappedRows, void, undefined> {
  const { program, context, causal } = run;
  const hostYield = new HostYield(run.platform);
  const tapped = { taps: tensors.map(tensorName), program: partialProgram(program, { given: [], wanted: tensors }) };
  const bytesPerRow = tensors.reduce((sum, tensor) => sum + 4 * program.tensors[tensor].width, 0);
  const most = Math.max(1, Math.min(SHORT_SLICE_TOKENS, Math.floor(TAPPED_BYTES / bytesPerRow)));
  const start = causal && context.holds(run.ids.slice(0, from), ownVariant(run)) ? from : 0;
  for (let at = from; at < to;) {
    // What this takes of the cache is not room for the rows.
    if (causal) await holdPrefix(run, at, to);
    const rows = { from: at, to: causal ? Math.min(to, at + Math.min(most, context.roomForProbe)) : to };
    const { result, first } = await runRows(run, rows, () => ({ ...tapped, logits: [] }));
    const rowsOf = (tensor: number) => {
      const { width } = program.tensors[tensor];
      const { data } = required(result.taps.get(tensorName(tensor)));
      return data.subarray(first * width, (first + rows.to - rows.from) * width);
    };
    yield { ...rows, of: rowsOf };
    at = rows.to;
    run.onProgress?.((at - start) / (to - start));
    await hostYield.ifDue();
  }
}

/** The variant of the cache's sequences that interventions computed: a chat must not continue them. */
export function variantOf({ interventions }: InsideRun): string {
  return `inside ${JSON.stringify(interventions.filter(({ kind }) => kind !== 'token'))}`;
}

/** The variant whose K and V this run reads and writes. */
function ownVariant(run: InsideRun): string {
  return run.program === run.model.program ? OWN : variantOf(run);
}

/**
 * Runs some tokens after those before them, or all at once without the causal mask.
 * @param outputs of a run whose row `first` is the first of these tokens
 */
async function runRows(
  run: InsideRun,
  { from, to }: { from: number; to: number },
  outputs: (first: number) => Outputs,
): Promise<{ result: RunResult; first: number }> {
  const { context, ids, cancel } = run;
  if (!run.causal) return { result: await runAll(run, outputs(from)), first: from };
  await holdPrefix(run, from, to);
  const result = await context.probe(ids.slice(0, to), to - from, ownVariant(run), outputs(0), cancel);
  return { result: required(result ?? undefined), first: 0 };
}

/** Computes K and V of the first `end` of `all` tokens, unless a sequence holds them. */
async function holdPrefix(run: InsideRun, end: number, all: number): Promise<void> {
  const { context, ids } = run;
  if (context.holds(ids.slice(0, end), ownVariant(run))) return;
  await context.temporarily(() => prefill(run, end, all));
}

/** Runs the first `end` of `all` tokens, untapped. A chat that continues them keeps them. */
async function prefill(run: InsideRun, end: number, all: number): Promise<void> {
  const { model, program, context, ids, platform, cancel } = run;
  const isOwn = program === model.program;
  const hostYield = new HostYield(platform);
  const step = hostYield.isOnlyPoll ? SHORT_SLICE_TOKENS : SLICE_TOKENS;
  context.switchTo(ownVariant(run));
  try {
    // The last of these is never reused.
    context.reuse(ids.slice(0, end + 1));
    while (context.length < end) {
      const slice = ids.slice(context.length, Math.min(end, context.length + step));
      await context.run(slice, { logits: [], ...(isOwn ? {} : { program }) }, cancel);
      run.onProgress?.(context.length / all);
      await hostYield.ifDue();
    }
  } finally {
    context.switchTo(OWN);
  }
}

/** Runs all tokens at once. Their K and V are of no use to others. */
async function runAll({ context, ids, cancel }: InsideRun, outputs: Outputs): Promise<RunResult> {
  context.fresh();
  try {
    return await context.run(ids, outputs, cancel);
  } finally {
    context.clear();
  }
}
