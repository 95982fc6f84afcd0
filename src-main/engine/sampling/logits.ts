import { exponentialSum } from './exponential-sum.ts';
import { selectTop } from './select-top.ts';

/** Raw logits of one token in this thread's memory, with the queries that a reply makes for every token. */
export interface Logits {
  /** `[vocabulary]`, read-only. */
  readonly values: Float32Array;
  /** ln of the sum of exp(value), relative error of the sum below 1e-6. NaN when a value is NaN or none is finite. */
  logSum(): number;
  /** Ids of the `k` highest values, best first; ties in order of id. Read-only. */
  top(k: number): Int32Array;
  /** Number of values that come before that of `id` in this order. */
  before(id: number): number;
}

/** Computed in JavaScript, in double precision. */
export class PlainLogits implements Logits {
  /** @param sum result of `logSum`, if known */
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
