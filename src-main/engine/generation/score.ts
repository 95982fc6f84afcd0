import { RawDistribution } from '../sampling/raw-distribution.ts';
import type { Score } from '../api/types.ts';
import { logitsEach, type LogitsJob } from './logits-each.ts';

export interface ScoreJob extends LogitsJob {
  ids: readonly number[];
  /** Most probable tokens reported per position. */
  top: number;
  /** Score only so many tokens at the end, and reuse what the cache has of the others; undefined: all. */
  last: number | undefined;
}

/**
 * Computes the probability of each of `ids`, or of the last ones, given those before it.
 * @throws EngineError CANCELLED
 */
export async function score(job: ScoreJob): Promise<Score> {
  const { context, ids, last } = job;
  const result: Score = { ids: [...ids], logprobs: [], ranks: [], entropies: [], top: [], perplexity: null };
  /** The first token after which the distribution is needed. */
  const first = last === undefined ? 0 : Math.max(0, ids.length - 1 - last);

  if (last === undefined) context.fresh();
  else context.reuse(ids.slice(0, first + 1));
  let position = first;
  for await (const logits of logitsEach(job, ids, first)) {
    const distribution = new RawDistribution(logits);
    result.top.push(distribution.top(job.top));
    result.entropies.push(distribution.entropy());
    position++;
    if (position < ids.length) {
      result.logprobs.push(distribution.logprob(ids[position]));
      result.ranks.push(distribution.rank(ids[position]));
    }
  }
  const scored = result.logprobs.length;
  if (scored > 0) {
    const mean = result.logprobs.reduce((sum, logprob) => sum + logprob, 0) / scored;
    result.perplexity = Math.exp(-mean);
  }
  return result;
}
