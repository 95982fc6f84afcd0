import { asLogits, type Logits } from './logits.ts';
import { selectTop } from './select-top.ts';

const NONE: ReadonlySet<number> = new Set();
/** Up to so many, ordering anew what changed is faster than looking at the whole vocabulary. */
const FEW = 256;

/**
 * The tokens that may still come next, shared by all stages of a chain: parallel arrays of which the first `length`
 * entries count. Truncating samplers shorten it, the others change logits in place.
 */
export class Candidates {
  /** `[capacity]` probabilities, valid after `softmax()` until the next change. */
  readonly probabilities: Float32Array;
  length = 0;
  /** Known to be ordered by logit, best first. */
  sorted = false;
  private readonly ownIds: Int32Array;
  private readonly ownLogits: Float32Array;
  /**
   * What the model gave, until a stage looks at each token or changes many; null from then on. Most chains begin by
   * keeping a few, which needs no copy of a whole vocabulary.
   */
  private raw: Logits | null = null;
  /** Of `raw`, what does not count. */
  private masked = NONE;
  /** In place of what `raw` says, by token. */
  private readonly changed = new Map<number, number>();

  /** @param capacity size of the vocabulary */
  constructor(capacity: number) {
    this.ownIds = new Int32Array(capacity);
    this.ownLogits = new Float32Array(capacity);
    this.probabilities = new Float32Array(capacity);
  }

  /** `[capacity]` token ids. */
  get ids(): Int32Array {
    this.takeOver();
    return this.ownIds;
  }

  /** `[capacity]` logits, float32 as in llama.cpp. */
  get logits(): Float32Array {
    this.takeOver();
    return this.ownLogits;
  }

  /**
   * Takes up one logit per token: entry i is token i.
   * @param logits not changed, and read until a stage has taken what it keeps
   */
  reset(logits: Float32Array | Logits): void {
    this.raw = asLogits(logits);
    this.masked = NONE;
    this.changed.clear();
    this.length = this.raw.values.length;
    this.sorted = false;
  }

  /** Rules out tokens, before any stage has moved one. */
  mask(masked: ReadonlySet<number>): void {
    if (this.raw !== null) this.masked = masked;
    else for (const id of masked) this.ownLogits[id] = Number.NEGATIVE_INFINITY;
  }

  /**
   * Gives a few tokens another logit, if all tokens are still there, each at its own slot.
   * @param to the new logit of a token, from its present one
   * @returns whether it did
   */
  change(ids: Iterable<number>, to: (logit: number, id: number) => number): boolean {
    if (this.raw === null) return false;
    for (const id of ids) if (id < this.length) this.changed.set(id, Math.fround(to(this.rawLogit(id), id)));
    return true;
  }

  /** Index of the first highest logit. */
  indexOfMax(): number {
    if (this.sorted) return 0;
    const highest = this.rawTop(1);
    if (highest !== null) return highest[0];
    const { logits, length } = this;
    let best = 0;
    for (let i = 1; i < length; i++) if (logits[i] > logits[best]) best = i;
    return best;
  }

  /** Keeps the `k` highest logits, best first. */
  keepTop(k: number): void {
    const ids = this.rawTop(k);
    if (ids !== null) this.takeRaw(ids);
    else if (this.sorted) this.length = Math.min(k, this.length);
    else this.keep(selectTop(this.logits, this.length, k));
    this.sorted = true;
  }

  /** Keeps the entries at `slots`, in that order. */
  keep(slots: Int32Array): void {
    const { ids, logits } = this;
    const keptIds = new Int32Array(slots.length);
    const keptLogits = new Float32Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      keptIds[i] = ids[slots[i]];
      keptLogits[i] = logits[slots[i]];
    }
    ids.set(keptIds);
    logits.set(keptLogits);
    this.length = slots.length;
  }

  /** Entries that can be drawn at all. */
  countDrawable(): number {
    const { logits, length } = this;
    let count = 0;
    for (let i = 0; i < length; i++) if (logits[i] > Number.NEGATIVE_INFINITY) count++;
    return count;
  }

  /** Fills `probabilities` in array order. float32 throughout, as llama.cpp's softmax, so that cuts fall alike. */
  softmax(): void {
    const { logits, probabilities, length } = this;
    const max = logits[this.indexOfMax()];
    let sum = 0;
    for (let i = 0; i < length; i++) {
      // Storing rounds to float32; the sum must add the rounded value.
      probabilities[i] = Math.exp(Math.fround(logits[i] - max));
      sum = Math.fround(sum + probabilities[i]);
    }
    for (let i = 0; i < length; i++) probabilities[i] = probabilities[i] / sum;
  }

  /** The `k` highest of the raw and changed logits; null when they are taken over, or too many others are before them. */
  private rawTop(k: number): Int32Array | null {
    const { raw, masked, changed } = this;
    const wanted = k + changed.size;
    if (raw === null || (changed.size > 0 && wanted > FEW)) return null;
    const isMasked = (id: number) => masked.has(id) && !changed.has(id);
    let ids = raw.top(wanted);
    if (masked.size > 0 && ids.some(isMasked)) {
      if (wanted + masked.size > FEW) return null;
      ids = raw.top(wanted + masked.size).filter((id) => !isMasked(id));
      ids = ids.subarray(0, wanted);
      // Where those that count run out, masked ones come among what is as impossible.
      if (ids.length < wanted || raw.values[ids[wanted - 1]] === Number.NEGATIVE_INFINITY) return null;
    }
    if (changed.size === 0) return ids;
    const best = Array.from(ids).filter((id) => !changed.has(id));
    best.push(...changed.keys());
    best.sort((a, b) => this.rawLogit(b) - this.rawLogit(a) || a - b);
    return Int32Array.from(best.slice(0, Math.max(0, k)));
  }

  private rawLogit(id: number): number {
    const changed = this.changed.get(id);
    if (changed !== undefined) return changed;
    return this.masked.has(id) ? Number.NEGATIVE_INFINITY : this.raw!.values[id];
  }

  private takeRaw(ids: Int32Array): void {
    for (let i = 0; i < ids.length; i++) {
      this.ownIds[i] = ids[i];
      this.ownLogits[i] = this.rawLogit(ids[i]);
    }
    this.raw = null;
    this.length = ids.length;
  }

  /** Copies the raw logits. */
  private takeOver(): void {
    if (this.raw === null) return;
    const { ownIds, ownLogits, masked, changed, length } = this;
    ownLogits.set(this.raw.values);
    this.raw = null;
    for (let i = 0; i < length; i++) ownIds[i] = i;
    for (const id of masked) ownLogits[id] = Number.NEGATIVE_INFINITY;
    for (const [id, logit] of changed) ownLogits[id] = logit;
  }
}
