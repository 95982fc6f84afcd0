import { EngineError } from '../errors.ts';
import { exponentialSum } from './exponential-sum.ts';
import { selectTop } from './select-top.ts';

/** What the model itself says about the next token: softmax over all raw logits, computed in double precision. */
export class RawDistribution {
  /** ln of the sum of exp(logit). */
  private readonly logSum: number;

  /**
   * @param logits `[vocabulary]`, kept by reference and not changed
   * @throws EngineError INTERNAL when a logit is NaN: the model's weights or the computation are broken
   */
  constructor(private readonly logits: Float32Array) {
    let max = Number.NEGATIVE_INFINITY;
    for (const logit of logits) if (logit > max) max = logit;
    const sum = exponentialSum(logits, max);
    this.logSum = max + Math.log(sum);
    if (Number.isNaN(sum)) {
      throw new EngineError(
        'INTERNAL',
        'The model computed logits that are not numbers. Its weights are damaged, or this executor computes wrongly; try another executor or load the model again.',
        { index: logits.findIndex((logit) => !Number.isFinite(logit)) },
      );
    }
  }

  /** Natural log of the probability of token `id`. */
  logprob(id: number): number {
    return this.logits[id] - this.logSum;
  }

  /** Place of token `id` when ordered by logit, from 1; equal logits count in the order of their ids. */
  rank(id: number): number {
    const own = this.logits[id];
    let rank = 1;
    for (let i = 0; i < this.logits.length; i++) {
      if (this.logits[i] > own || (this.logits[i] === own && i < id)) rank++;
    }
    return rank;
  }

  /** The `k` most probable `[id, logprob]`, best first. */
  top(k: number): [number, number][] {
    return Array.from(selectTop(this.logits, this.logits.length, k), (id) => [id, this.logprob(id)]);
  }
}
