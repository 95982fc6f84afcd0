import type { Logits } from './logits.ts';
import { weight } from './weight.ts';

const NONE: ReadonlySet<number> = new Set();
/** Up to so many, sorting the changed ones again is faster than scanning the whole vocabulary. */
const FEW = 256;

/**
 * The whole vocabulary with the model's logits, where they were computed: what stages do that remove and reorder nothing.
 * Token i is at slot i. Most chains keep a few tokens, or draw from all of them, and need no copy.
 */
export class RawCandidates {
  /** Excluded tokens. */
  private masked = NONE;
  /** Logits that differ from the model's, by token, before the division. */
  private readonly changed = new Map<number, number>();
  /** The temperature, float32. */
  private divisor = 1;
  /** The only token that can be drawn, or -1. */
  private only = -1;

  constructor(private logits: Logits) {}

  /** Starts again with other logits. */
  reset(logits: Logits): void {
    this.logits = logits;
    this.masked = NONE;
    this.changed.clear();
    this.divisor = 1;
    this.only = -1;
  }

  get length(): number {
    return this.logits.size;
  }

  mask(masked: ReadonlySet<number>): void {
    this.masked = masked;
  }

  /** See `Candidates.change`. @returns whether it did: not after a temperature */
  change(ids: Iterable<number>, to: (logit: number, id: number) => number, lowers: boolean): boolean {
    if (this.isScaled) return false;
    for (const id of ids) {
      // What is below the best logits stays below them.
      if (id >= this.length || (lowers && !this.isKnown(id))) continue;
      this.changed.set(id, Math.fround(to(this.unscaled(id), id)));
    }
    return true;
  }

  /** Divides all logits. @returns whether it did: only once */
  divide(divisor: number): boolean {
    if (this.isScaled) return false;
    this.divisor = divisor;
    return true;
  }

  /** Rules out all other tokens. */
  keepOnly(id: number): void {
    this.only = id;
  }

  private get isScaled(): boolean {
    return this.divisor !== 1 || this.only !== -1;
  }

  /** -Infinity for a token that cannot be drawn. */
  logitOf(id: number): number {
    if (this.only !== -1 && this.only !== id) return Number.NEGATIVE_INFINITY;
    return Math.fround(this.unscaled(id) / this.divisor);
  }

  /** The highest logit; null if too many tokens are excluded or changed. */
  highest(): number | null {
    const best = this.only === -1 ? (this.best(1)?.[0] ?? -1) : this.only;
    return best === -1 ? null : this.logitOf(best);
  }

  /** The `k` highest, best first; null after a temperature, or if too many are excluded or changed. */
  top(k: number): Int32Array | null {
    return this.isScaled ? null : this.best(k);
  }

  /**
   * Those of at least `limit`, which is not above the highest, in order of id.
   * @returns null if not all of them are known, or if all logits are, which the caller scans faster
   */
  from(limit: number): Int32Array | null {
    const { logits, changed, masked, only } = this;
    const { known, size } = logits;
    if (only !== -1) return Int32Array.of(only);
    if (known === size || known === 0) return null;
    const best = logits.top(known);
    if (Math.fround(logits.at(best[known - 1]) / this.divisor) >= limit) return null;
    const ids = new Set([...best.filter((id) => !masked.has(id)), ...changed.keys()]);
    return Int32Array.from(ids)
      .filter((id) => this.logitOf(id) >= limit)
      .sort();
  }

  /** Number of tokens that can be drawn. */
  countDrawable(): number {
    const { logits, masked, changed, divisor, only } = this;
    const count = (logit: number) => Number(Math.fround(logit / divisor) > Number.NEGATIVE_INFINITY);
    if (only !== -1) return count(this.unscaled(only));
    let drawable = logits.countFinite(divisor);
    for (const [id, logit] of changed) drawable += count(logit) - count(logits.at(id));
    for (const id of masked) if (!changed.has(id)) drawable -= count(logits.at(id));
    return drawable;
  }

  /** The token that is certain to be drawn, or -1. */
  get certain(): number {
    return this.only;
  }

  /** Fills `into` with e^(logit - highest), float32. */
  weigh(into: Float32Array, highest: number): void {
    const { logits, masked, changed, divisor } = this;
    logits.weigh(divisor, highest, into);
    for (const id of masked) into[id] = 0;
    for (const [id, logit] of changed) into[id] = weight(Math.fround(Math.fround(logit / divisor) - highest));
  }

  /** Copies the logits as they are now. */
  copyTo(target: Float32Array): void {
    const { masked, changed, divisor, only } = this;
    if (only !== -1) {
      target.fill(Number.NEGATIVE_INFINITY, 0, this.length);
      target[only] = this.logitOf(only);
      return;
    }
    target.set(this.logits.values);
    for (const id of masked) target[id] = Number.NEGATIVE_INFINITY;
    for (const [id, logit] of changed) target[id] = logit;
    if (divisor !== 1) for (let id = 0; id < this.length; id++) target[id] = target[id] / divisor;
  }

  private unscaled(id: number): number {
    const changed = this.changed.get(id);
    if (changed !== undefined) return changed;
    return this.masked.has(id) ? Number.NEGATIVE_INFINITY : this.logits.at(id);
  }

  /** Whether `unscaled` has an answer. */
  private isKnown(id: number): boolean {
    return this.changed.has(id) || this.masked.has(id) || this.logits.has(id);
  }

  /** The `k` highest before the division; null if too many others are before them. */
  private best(k: number): Int32Array | null {
    const { logits, masked, changed } = this;
    const wanted = k + changed.size;
    if (changed.size > 0 && wanted > FEW) return null;
    const isMasked = (id: number) => masked.has(id) && !changed.has(id);
    let ids = logits.top(wanted);
    if (masked.size > 0 && ids.some(isMasked)) {
      const most = Math.min(wanted + masked.size, FEW, logits.known);
      ids = logits.top(most).filter((id) => !isMasked(id));
      ids = ids.subarray(0, wanted);
      // If there are not enough, masked tokens come among others that are just as impossible.
      if (ids.length < wanted || logits.at(ids[wanted - 1]) === Number.NEGATIVE_INFINITY) return null;
    }
    if (changed.size === 0) return ids;
    const best = Array.from(ids).filter((id) => !changed.has(id));
    best.push(...changed.keys());
    best.sort((a, b) => this.unscaled(b) - this.unscaled(a) || a - b);
    return Int32Array.from(best.slice(0, Math.max(0, k)));
  }
}
