import { EngineError, type ErrorDetails } from '../api/errors.ts';
import { entropyOf } from './entropy.ts';
import { asLogits, type Logits } from './logits.ts';

/** The error when logits are NaN, or would be if every NaN before them were kept. */
export function logitsNotNumbers(details: ErrorDetails = {}): EngineError {
  return new EngineError(
    'INTERNAL',
    'The model’s logits are not numbers (NaN). Its weights are damaged, or this executor has a fault. Try another executor, or load the model again.',
    details,
  );
}

/** The model's own distribution of the next token: softmax over all raw logits, in double precision. */
export class RawDistribution {
  private readonly logits: Logits;
  /** ln of the sum of exp(logit). */
  private readonly logSum: number;

  /**
   * @param logits `[vocabulary]`, kept by reference and not changed; if they are only the best, so are the answers
   * @throws EngineError INTERNAL when a logit is NaN: the weights or the computation are broken
   */
  constructor(logits: Float32Array | Logits) {
    this.logits = asLogits(logits);
    this.logSum = this.logits.logSum();
    if (Number.isNaN(this.logSum)) {
      throw logitsNotNumbers({ index: this.logits.values.findIndex((logit) => !Number.isFinite(logit)) });
    }
  }

  /** Natural log of the probability of token `id`. */
  logprob(id: number): number {
    return this.logits.at(id) - this.logSum;
  }

  /** Rank of token `id` by logit, from 1; ties in order of id. */
  rank(id: number): number {
    return this.logits.before(id) + 1;
  }

  /** Entropy in nats. */
  entropy(): number {
    const { logits } = this;
    return entropyOf(logits.values, logits.at(logits.top(1)[0]));
  }

  /** The `k` most probable `[id, logprob]`, best first. */
  top(k: number): [number, number][] {
    return Array.from(this.logits.top(k), (id) => [id, this.logprob(id)]);
  }
}
