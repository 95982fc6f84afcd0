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
  cancel: CancelToken | undefined;
}

/**
 * Computes the probability of each of `ids`, given those before it.
 * @throws EngineError CANCELLED
 */
export async function score(job: ScoreJob): Promise<Score> {
  const { context, ids, platform } = job;
  const sliceTokens = Math.max(1, Math.min(SHORT_SLICE_TOKENS, Math.floor(MAX_LOGITS / job.vocabularySize)));
  const hostYield = new HostYield(platform);
  const result: Score = { ids: [...ids], logprobs: [], ranks: [], top: [], perplexity: null };

  context.fresh();
  for (let from = 0; from < ids.length; from += sliceTokens) {
    if (job.cancel?.cancelled) throw cancelled();
    const slice = ids.slice(from, from + sliceTokens);
    const { logits } = await context.run(slice, { logits: slice.map((_, row) => row) }, job.cancel);
    for (const [row, handle] of logits.entries()) {
      if (job.cancel?.cancelled) throw cancelled();
      const distribution = new RawDistribution(await handle.lend());
      result.top.push(distribution.top(job.top));
      const position = from + row + 1;
      if (position < ids.length) {
        result.logprobs.push(distribution.logprob(ids[position]));
        result.ranks.push(distribution.rank(ids[position]));
      }
      await hostYield.ifDue();
    }
  }
  if (ids.length > 1) {
    const mean = result.logprobs.reduce((sum, logprob) => sum + logprob, 0) / result.logprobs.length;
    result.perplexity = Math.exp(-mean);
  }
  return result;
}
