import type { CancelToken, Platform } from '../api/platform.ts';
import type { Intervention } from '../api/inside-types.ts';
import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import { type ContextWindow, OWN } from '../generation/context-window.ts';
import { HostYield } from '../generation/host-yield.ts';
import { SHORT_SLICE_TOKENS, SLICE_TOKENS } from '../generation/prefill.ts';
import type { Model } from '../models/model.ts';
import { tapTensors, tensorName } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { required } from './partial-runs.ts';

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
  const taps = tensors.map(tensorName);
  const tapped = { taps, program: tapTensors(program, tensors) };
  const { taps: found, logits } = await (run.causal ? runLast(run, index, tapped) : runAll(run, index, tapped));
  const rowOf = (tensor: number) => {
    const { width } = program.tensors[tensor];
    const row = run.causal ? 0 : index;
    return required(found.get(tensorName(tensor))).data.slice(row * width, (row + 1) * width);
  };
  return { tensors: new Map(tensors.map((tensor) => [tensor, rowOf(tensor)])), logits: await logits[0].read() };
}

/** The variant of the cache's sequences that interventions computed: a chat must not continue them. */
export function variantOf({ interventions }: InsideRun): string {
  return `inside ${JSON.stringify(interventions.filter(({ kind }) => kind !== 'token'))}`;
}

/** The variant whose K and V this run reads and writes. */
function ownVariant(run: InsideRun): string {
  return run.program === run.model.program ? OWN : variantOf(run);
}

/** Runs one token after those before it, which are computed first if no sequence holds them. */
async function runLast(run: InsideRun, index: number, tapped: Partial<Outputs>): Promise<RunResult> {
  const { context, ids, cancel } = run;
  const probe = () => context.probe(ids.slice(0, index + 1), [ownVariant(run)], { ...tapped, logits: [0] }, cancel);
  const found = await probe();
  if (found) return found;
  await context.temporarily(() => prefill(run, index));
  return required((await probe()) ?? undefined);
}

/** Runs the first `end` tokens, untapped. A chat that continues them keeps them. */
async function prefill(run: InsideRun, end: number): Promise<void> {
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
      await hostYield.ifDue();
    }
  } finally {
    context.switchTo(OWN);
  }
}

/** Runs all tokens at once. Their K and V are of no use to others. */
async function runAll(
  { context, ids, cancel }: InsideRun,
  index: number,
  tapped: Partial<Outputs>,
): Promise<RunResult> {
  context.fresh();
  try {
    return await context.run(ids, { ...tapped, logits: [index] }, cancel);
  } finally {
    context.clear();
  }
}
