import { RawDistribution } from '../sampling/raw-distribution.ts';
import type { Score } from '../api/types.ts';
import { logitsEach, type LogitsJob } from './logits-each.ts';

export interface ScoreJob extends LogitsJob {
  ids: readonly number[];
  /** Most probable tokens reported per position. */
  top: number;
}

/**
 * Computes the probability of each of `ids`, given those before it.
 * @throws EngineError CANCELLED
 */
export async function score(job: ScoreJob): Promise<Score> {
  const { context, ids } = job;
  const result: Score = { ids: [...ids], logprobs: [], ranks: [], top: [], perplexity: null };

  context.fresh();
  let position = 0;
  for await (const logits of logitsEach(job, ids, 0)) {
    const distribution = new RawDistribution(logits);
    result.top.push(distribution.top(job.top));
    position++;
    if (position < ids.length) {
      result.logprobs.push(distribution.logprob(ids[position]));
      result.ranks.push(distribution.rank(ids[position]));
    }
  }
  if (ids.length > 1) {
    const mean = result.logprobs.reduce((sum, logprob) => sum + logprob, 0) / result.logprobs.length;
    result.perplexity = Math.exp(-mean);
  }
  return result;
}
