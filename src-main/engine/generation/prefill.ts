import type { CancelToken } from '../api/platform.ts';
import { MAX_ROWS } from '../executors/executor.ts';
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
  const slices = logitsInSlices(ids, context, hostYield, cancel);
  for (;;) {
    const slice = await slices.next();
    if (slice.done) return slice.value;
  }
}

/** As `logitsAfter`. Yields the length of the window after each slice but the last. @param bestFirst see `Outputs` */
export async function* logitsInSlices(
  ids: readonly number[],
  context: TokenWindow,
  hostYield: HostYield,
  cancel: CancelToken,
  bestFirst = false,
): AsyncGenerator<number, Logits> {
  const sliceTokens = hostYield.isOnlyPoll ? SHORT_SLICE_TOKENS : SLICE_TOKENS;
  for (;;) {
    if (cancel.cancelled) throw cancelled();
    const slice = ids.slice(context.length, context.length + sliceTokens);
    const last = context.length + slice.length === ids.length;
    const outputs = { logits: last ? [slice.length - 1] : [], lend: true, bestFirst };
    const result = await context.run(slice, outputs, cancel);
    if (last) return await result.logits[0].lend();
    yield context.length;
    await hostYield.ifDue();
  }
}
