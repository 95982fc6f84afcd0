import type { CancelToken, Platform } from '../api/platform.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import type { Score } from '../api/types.ts';
import type { TokenWindow } from './context-window.ts';
import { HostYield } from './host-yield.ts';
import { cancelled } from './interrupt.ts';
import { SHORT_SLICE_TOKENS } from './prefill.ts';

/** Maximum number of logits in memory, 16 MB: every row of a slice has a whole vocabulary of them. */
const MAX_LOGITS = 2 ** 22;

export interface ScoreJob {
  context: TokenWindow;
  platform: Platform;
  vocabularySize: number;
  ids: readonly number[];
  /** Most probable tokens reported per position. */
  top: number;
  /** Score only so many tokens at the end, and reuse what the cache has of the others; undefined: all. */
  last: number | undefined;
  cancel: CancelToken | undefined;
}

/**
 * Computes the probability of each of `ids`, or of the last ones, given those before it.
 * @throws EngineError CANCELLED
 */
export async function score(job: ScoreJob): Promise<Score> {
  const { context, ids, platform } = job;
  const sliceTokens = Math.max(1, Math.min(SHORT_SLICE_TOKENS, Math.floor(MAX_LOGITS / job.vocabularySize)));
  const hostYield = new HostYield(platform);
  const result: Score = { ids: [...ids], logprobs: [], ranks: [], entropies: [], top: [], perplexity: null };
  /** The first token after which the distribution is needed. */
  const first = job.last === undefined ? 0 : Math.max(0, ids.length - 1 - job.last);

  let from = 0;
  if (job.last === undefined) context.fresh();
  else from = context.reuse(ids.slice(0, first + 1));
  while (from < ids.length) {
    if (job.cancel?.cancelled) throw cancelled();
    const isScored = from >= first;
    const slice = isScored
      ? ids.slice(from, from + sliceTokens)
      : ids.slice(from, Math.min(first, from + SHORT_SLICE_TOKENS));
    const { logits } = await context.run(slice, { logits: isScored ? slice.map((_, row) => row) : [] }, job.cancel);
    for (const [row, handle] of logits.entries()) {
      if (job.cancel?.cancelled) throw cancelled();
      const distribution = new RawDistribution(await handle.lend());
      result.top.push(distribution.top(job.top));
      result.entropies.push(distribution.entropy());
      const position = from + row + 1;
      if (position < ids.length) {
        result.logprobs.push(distribution.logprob(ids[position]));
        result.ranks.push(distribution.rank(ids[position]));
      }
      await hostYield.ifDue();
    }
    from += slice.length;
    await hostYield.ifDue();
  }
  const scored = result.logprobs.length;
  if (scored > 0) {
    const mean = result.logprobs.reduce((sum, logprob) => sum + logprob, 0) / scored;
    result.perplexity = Math.exp(-mean);
  }
  return result;
}
