import { exponentialSum } from './exponential-sum.ts';
import { selectTop } from './select-top.ts';

/** Raw logits of one token in this thread's memory, with what a reply asks of all of them for every token. */
export interface Logits {
  /** `[vocabulary]`, not to be changed. */
  readonly values: Float32Array;
  /** ln of the sum of exp(value), relative error of the sum below 1e-6. NaN when a value is NaN or none is finite. */
  logSum(): number;
  /** Ids of the `k` highest values, best first; of equal ones the lower id comes first. Not to be changed. */
  top(k: number): Int32Array;
  /** Values that come before the one of `id` in that order. */
  before(id: number): number;
}

/** Computed here, in double precision. */
export class PlainLogits implements Logits {
  /** @param sum what `logSum` gives, where it is known already */
  constructor(
    readonly values: Float32Array,
    private sum: number | null = null,
  ) {}

  logSum(): number {
    if (this.sum === null) {
      const { values } = this;
      let max = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < values.length; i++) if (values[i] > max) max = values[i];
      this.sum = max + Math.log(exponentialSum(values, max));
    }
    return this.sum;
  }

  top(k: number): Int32Array {
    return selectTop(this.values, this.values.length, k);
  }

  before(id: number): number {
    const { values } = this;
    const own = values[id];
    let before = 0;
    for (let i = 0; i < values.length; i++) if (values[i] > own || (values[i] === own && i < id)) before++;
    return before;
  }
}

/** @param logits `[vocabulary]`, or what computes with them */
export function asLogits(logits: Float32Array | Logits): Logits {
  return logits instanceof Float32Array ? new PlainLogits(logits) : logits;
}
