import type { CancelToken, Platform } from '../api/platform.ts';
import type { Executor } from '../executors/executor.ts';
import type { ContextWindow } from '../generation/context-window.ts';
import { HostYield } from '../generation/host-yield.ts';
import { SHORT_SLICE_TOKENS } from '../generation/prefill.ts';
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
 * Runs the tokens up to one and returns tensors of its row. K and V of the others are computed untapped, or found in the
 * cache; so this costs about one step of the model. Without the causal mask, all tokens run at once.
 * @param index of the token
 * @throws EngineError CANCELLED
 */
export async function tapRow(run: InsideRun, index: number, tensors: readonly number[]): Promise<TappedRow> {
  const { ids, program } = run;
  const tapped = tapTensors(program, tensors);
  const taps = tensors.map(tensorName);
  return inWindow(run, run.causal ? ids.slice(0, index + 1) : ids, async (context) => {
    if (run.causal) await prefillUpTo(run, index);
    const from = context.length;
    const row = index - from;
    const outputs = { logits: [row], taps, program: tapped };
    const result = await context.run(run.causal ? [ids[index]] : ids, outputs, run.cancel);
    const rowOf = (tensor: number) => {
      const { width } = program.tensors[tensor];
      return required(result.taps.get(tensorName(tensor))).data.slice(row * width, (row + 1) * width);
    };
    return {
      tensors: new Map(tensors.map((tensor) => [tensor, rowOf(tensor)])),
      logits: await result.logits[0].read(),
    };
  });
}

/**
 * Calls `use` with a window for these ids. The model's own K and V are reused and stay; those of a run with interventions
 * are dropped afterwards, because a chat must not find them.
 */
export async function inWindow<T>(
  { model, program, context }: InsideRun,
  ids: readonly number[],
  use: (context: ContextWindow) => Promise<T>,
): Promise<T> {
  if (program === model.program) {
    context.reuse(ids);
    return use(context);
  }
  context.fresh();
  try {
    return await use(context);
  } finally {
    context.clear();
  }
}

/** Runs the tokens that the window does not hold yet, up to but not including `end`. */
async function prefillUpTo({ model, program, context, ids, platform, cancel }: InsideRun, end: number): Promise<void> {
  const hostYield = new HostYield(platform);
  const own = program === model.program ? {} : { program };
  while (context.length < end) {
    const slice = ids.slice(context.length, Math.min(end, context.length + SHORT_SLICE_TOKENS));
    await context.run(slice, { logits: [], ...own }, cancel);
    await hostYield.ifDue();
  }
}
