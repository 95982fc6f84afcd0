import { exponentialSum } from './exponential-sum.ts';
import { selectTop } from './select-top.ts';
import { weight } from './weight.ts';

/**
 * Raw logits of one token in this thread's memory, with the queries that a reply makes for every token. If only the best
 * were read (`TopLogits`), a query that needs others throws `MissingLogits`.
 */
export interface Logits {
  /** Size of the vocabulary. */
  readonly size: number;
  /** `[vocabulary]`, read-only. */
  readonly values: Float32Array;
  /** How many of the highest it has: `size` if it has all. */
  readonly known: number;
  /** Whether it has the logit of `id`. */
  has(id: number): boolean;
  /** The logit of `id`. */
  at(id: number): number;
  /** All logits, read from where they were computed. Only while these are valid. */
  all(): Promise<Logits>;
  /** ln of the sum of exp(value), relative error of the sum below 1e-6. NaN when a value is NaN or none is finite. */
  logSum(): number;
  /** Ids of the `k` highest values, best first; ties in order of id. Read-only. */
  top(k: number): Int32Array;
  /** Number of values that come before that of `id` in this order. */
  before(id: number): number;
  /** Number of values that are above -Infinity when divided by `divisor`, a float32. */
  countFinite(divisor: number): number;
  /**
   * Fills `into` with e^(value / divisor - highest), and 1 where that is more. Quotients, differences and results are
   * float32. All implementations give the same bits.
   */
  weigh(divisor: number, highest: number, into: Float32Array): void;
}

/** Computed in JavaScript, in double precision. */
export class PlainLogits implements Logits {
  /** @param sum result of `logSum`, if known */
  constructor(
    readonly values: Float32Array,
    private sum: number | null = null,
  ) {}

  get size(): number {
    return this.values.length;
  }

  get known(): number {
    return this.values.length;
  }

  has(): boolean {
    return true;
  }

  at(id: number): number {
    return this.values[id];
  }

  all(): Promise<this> {
    return Promise.resolve(this);
  }

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

  countFinite(divisor: number): number {
    let finite = 0;
    for (const value of this.values) if (Math.fround(value / divisor) > Number.NEGATIVE_INFINITY) finite++;
    return finite;
  }

  weigh(divisor: number, highest: number, into: Float32Array): void {
    const { values } = this;
    for (let i = 0; i < values.length; i++) {
      into[i] = weight(Math.min(0, Math.fround(Math.fround(values[i] / divisor) - highest)));
    }
  }
}

/** @param logits `[vocabulary]`, or what computes with them */
export function asLogits(logits: Float32Array | Logits): Logits {
  return logits instanceof Float32Array ? new PlainLogits(logits) : logits;
}
