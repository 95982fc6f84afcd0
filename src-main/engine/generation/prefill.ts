import type { CancelToken } from '../api/platform.ts';
import { type LogitsHandle, MAX_ROWS } from '../executors/executor.ts';
import type { Logits } from '../sampling/logits.ts';
import type { TokenWindow } from './context-window.ts';
import { cancelled } from './interrupt.ts';
import type { HostYield } from './host-yield.ts';

/** Prompt tokens per run: as many as executors compute at once, or fewer if cancelling is only noticed between runs. */
export const SLICE_TOKENS = MAX_ROWS;
export const SHORT_SLICE_TOKENS = 128;

/**
 * Runs those of `ids` that the window does not hold yet, in slices, and returns the logits after the last.
 * @returns `[vocabulary]`, lent until the window runs again
 * @throws EngineError CANCELLED; completed slices stay in the window
 */
export async function logitsAfter(
  ids: readonly number[],
  context: TokenWindow,
  hostYield: HostYield,
  cancel: CancelToken,
): Promise<Logits> {
  const slices = lastRowsInSlices(ids, { context, hostYield, cancel });
  for (;;) {
    const slice = await slices.next();
    if (slice.done) return await slice.value[0].lend();
  }
}

export interface SlicedRun {
  readonly context: TokenWindow;
  readonly hostYield: HostYield;
  readonly cancel: CancelToken;
  /** Number of last tokens after which logits are returned; they are in one run. Default 1. */
  readonly rows?: number;
  /** See `Outputs`. */
  readonly bestFirst?: boolean;
}

/**
 * As `logitsAfter`, with the logits after each of the last tokens. Yields the length of the window after each slice but the
 * last.
 */
export async function* lastRowsInSlices(
  ids: readonly number[],
  { context, hostYield, cancel, rows = 1, bestFirst = false }: SlicedRun,
): AsyncGenerator<number, readonly LogitsHandle[]> {
  const sliceTokens = hostYield.isOnlyPoll ? SHORT_SLICE_TOKENS : SLICE_TOKENS;
  for (;;) {
    if (cancel.cancelled) throw cancelled();
    const left = ids.length - context.length;
    const last = left <= sliceTokens;
    const slice = ids.slice(context.length, context.length + (last ? left : Math.min(sliceTokens, left - rows)));
    const logits = last ? Array.from({ length: rows }, (_, row) => slice.length - rows + row) : [];
    const result = await context.run(slice, { logits, lend: true, bestFirst }, cancel);
    if (last) return result.logits;
    yield context.length;
    await hostYield.ifDue();
  }
}
