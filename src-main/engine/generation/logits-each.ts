import type { CancelToken, Platform } from '../api/platform.ts';
import type { Logits } from '../sampling/logits.ts';
import type { TokenWindow } from './context-window.ts';
import { HostYield } from './host-yield.ts';
import { cancelled } from './interrupt.ts';
import { SHORT_SLICE_TOKENS } from './prefill.ts';

/** Maximum number of logits in memory, 16 MB: every row of a slice has a whole vocabulary of them. */
const MAX_LOGITS = 2 ** 22;

export interface LogitsJob {
  context: TokenWindow;
  platform: Platform;
  vocabularySize: number;
  cancel: CancelToken | undefined;
}

/**
 * The logits after each token that the window does not hold yet, in order.
 * @param ids the window holds a prefix of them
 * @param from index of the first token with logits, at least the window's length
 * @returns `[vocabulary]` each, lent until the next
 * @throws EngineError CANCELLED
 */
export async function* logitsEach(
  { context, platform, vocabularySize, cancel }: LogitsJob,
  ids: readonly number[],
  from: number,
): AsyncGenerator<Logits, void, undefined> {
  const sliceTokens = Math.max(1, Math.min(SHORT_SLICE_TOKENS, Math.floor(MAX_LOGITS / vocabularySize)));
  const hostYield = new HostYield(platform);
  for (let at = context.length; at < ids.length; at += sliceTokens) {
    if (cancel?.cancelled) throw cancelled();
    const slice = ids.slice(at, at + sliceTokens);
    const rows = slice.map((_, row) => row).filter((row) => at + row >= from);
    const { logits } = await context.run(slice, { logits: rows }, cancel);
    for (const handle of logits) {
      if (cancel?.cancelled) throw cancelled();
      yield await handle.lend();
      await hostYield.ifDue();
    }
  }
}
