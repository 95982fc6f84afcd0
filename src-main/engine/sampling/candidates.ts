import { asLogits, type Logits } from './logits.ts';
import { selectTop } from './select-top.ts';

const NONE: ReadonlySet<number> = new Set();
/** Up to so many, sorting the changed ones again is faster than scanning the whole vocabulary. */
const FEW = 256;

/**
 * The possible next tokens, shared by all stages of a chain: parallel arrays of which the first `length` entries count.
 * Truncating samplers shorten it, the others change logits in place.
 */
export class Candidates {
  /** `[capacity]` probabilities, valid after `softmax()` until the next change. */
  readonly probabilities: Float32Array;
  length = 0;
  /** Whether they are known to be ordered by logit, best first. */
  sorted = false;
  private readonly ownIds: Int32Array;
  private readonly ownLogits: Float32Array;
  /**
   * The model's logits, until a stage reads all tokens or changes many; null from then on. Most chains begin by keeping a
   * few, which needs no copy of the whole vocabulary.
   */
  private raw: Logits | null = null;
  /** Excluded tokens of `raw`. */
  private masked = NONE;
  /** Replacements of values of `raw`, by token. */
  private readonly changed = new Map<number, number>();

  /** @param capacity size of the vocabulary */
  constructor(capacity: number) {
    this.ownIds = new Int32Array(capacity);
    this.ownLogits = new Float32Array(capacity);
    this.probabilities = new Float32Array(capacity);
  }

  /** `[capacity]` token ids. */
  get ids(): Int32Array {
    this.copyRaw();
    return this.ownIds;
  }

  /** `[capacity]` logits, float32 as in llama.cpp. */
  get logits(): Float32Array {
    this.copyRaw();
    return this.ownLogits;
  }

  /**
   * Starts with one logit per token: entry i is token i.
   * @param logits not changed; read until a stage has copied what it keeps
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
   * Changes the logits of a few tokens, if all tokens are still there, each at its own slot.
   * @param to maps a token's current logit to the new one
   * @returns whether it did
   */
  change(ids: Iterable<number>, to: (logit: number, id: number) => number): boolean {
    if (this.raw === null) return false;
    for (const id of ids) if (id < this.length) this.changed.set(id, Math.fround(to(this.rawLogit(id), id)));
    return true;
  }

  /** Those of `ids` that cannot be drawn. Costs little while no stage has moved a token. */
  ruledOut(ids: Iterable<number>): number[] {
    return Array.from(ids).filter((id) => !(this.logitOf(id) > Number.NEGATIVE_INFINITY));
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

  /** Slot of a token that can be drawn, or -1. */
  slotOf(id: number): number {
    const { ids, logits, length } = this;
    const slot = ids.subarray(0, length).indexOf(id);
    return slot !== -1 && logits[slot] > Number.NEGATIVE_INFINITY ? slot : -1;
  }

  /** Number of candidates that can be drawn. */
  countDrawable(): number {
    const { logits, length } = this;
    let count = 0;
    for (let i = 0; i < length; i++) if (logits[i] > Number.NEGATIVE_INFINITY) count++;
    return count;
  }

  /**
   * Fills `probabilities` in array order, in float32 like llama.cpp's softmax, so that stages cut at the same candidate.
   */
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

  /** The `k` highest of the raw and changed logits; null if they were copied, or if too many others are before them. */
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
      // If there are not enough, masked tokens come among others that are just as impossible.
      if (ids.length < wanted || raw.values[ids[wanted - 1]] === Number.NEGATIVE_INFINITY) return null;
    }
    if (changed.size === 0) return ids;
    const best = Array.from(ids).filter((id) => !changed.has(id));
    best.push(...changed.keys());
    best.sort((a, b) => this.rawLogit(b) - this.rawLogit(a) || a - b);
    return Int32Array.from(best.slice(0, Math.max(0, k)));
  }

  /** -Infinity for a token that was removed. */
  private logitOf(id: number): number {
    const { raw, ownIds, ownLogits, length } = this;
    if (raw !== null) return this.rawLogit(id);
    // Most stages leave each token at its own slot. What is behind the length is left over.
    const slot = id < length && ownIds[id] === id ? id : ownIds.subarray(0, length).indexOf(id);
    return slot >= 0 ? ownLogits[slot] : Number.NEGATIVE_INFINITY;
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
  private copyRaw(): void {
    if (this.raw === null) return;
    const { ownIds, ownLogits, masked, changed, length } = this;
    ownLogits.set(this.raw.values);
    this.raw = null;
    for (let i = 0; i < length; i++) ownIds[i] = i;
    for (const id of masked) ownLogits[id] = Number.NEGATIVE_INFINITY;
    for (const [id, logit] of changed) ownLogits[id] = logit;
  }
}
