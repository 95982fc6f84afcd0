import { asLogits, type Logits } from './logits.ts';
import { RawCandidates } from './raw-candidates.ts';
import { selectTop } from './select-top.ts';
import { weight } from './weight.ts';

/**
 * The possible next tokens, shared by all stages of a chain: parallel arrays of which the first `length` entries count.
 * Truncating samplers shorten it, the others change logits in place.
 */
export class Candidates {
  /** `[capacity]` probabilities times `total`, valid after `softmax()` or `weigh()` until the next change. */
  readonly probabilities: Float32Array;
  /** The sum of `probabilities`, as far as they were not divided by it. */
  total = 1;
  length = 0;
  /** Whether they are known to be ordered by logit, best first. */
  sorted = false;
  private readonly ownIds: Int32Array;
  private readonly ownLogits: Float32Array;
  /** All tokens, until a stage moves one or reads all logits; null from then on. */
  private raw: RawCandidates | null = null;
  private readonly whole = new RawCandidates(asLogits(new Float32Array(0)));

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
    this.raw = this.whole;
    this.raw.reset(asLogits(logits));
    this.length = this.raw.length;
    this.sorted = false;
  }

  /** Rules out tokens, before any stage has moved one. */
  mask(masked: ReadonlySet<number>): void {
    if (this.raw !== null) this.raw.mask(masked);
    else for (const id of masked) this.ownLogits[id] = Number.NEGATIVE_INFINITY;
  }

  /**
   * Changes the logits of a few tokens, if all tokens are still there, each at its own slot.
   * @param to maps a token's current logit to the new one
   * @param lowers whether the new one is never higher: then those below the model's best need not be read
   * @returns whether it did
   */
  change(ids: Iterable<number>, to: (logit: number, id: number) => number, lowers = false): boolean {
    return this.raw?.change(ids, to, lowers) ?? false;
  }

  /** Rules out a few tokens, before any stage has moved one. */
  ruleOut(ids: Iterable<number>): void {
    if (this.change(ids, () => Number.NEGATIVE_INFINITY, true)) return;
    const { logits } = this;
    for (const id of ids) logits[id] = Number.NEGATIVE_INFINITY;
  }

  /** Divides all logits by a positive float32. */
  divide(divisor: number): void {
    if (this.raw?.divide(divisor)) return;
    const { logits, length } = this;
    for (let i = 0; i < length; i++) logits[i] = logits[i] / divisor;
  }

  /** Rules out all but the one at `slot`, which keeps its place. */
  keepOnly(slot: number): void {
    if (this.raw !== null) {
      this.raw.keepOnly(slot);
      return;
    }
    const { logits, length } = this;
    const logit = logits[slot];
    logits.fill(Number.NEGATIVE_INFINITY, 0, length);
    logits[slot] = logit;
  }

  /** Those of `ids` that cannot be drawn. Costs little while no stage has moved a token. */
  ruledOut(ids: Iterable<number>): number[] {
    return Array.from(ids).filter((id) => this.slotOf(id) === -1);
  }

  /** Index of the first highest logit. */
  indexOfMax(): number {
    if (this.sorted) return 0;
    const highest = this.raw?.top(1);
    if (highest) return highest[0];
    const { logits, length } = this;
    let best = 0;
    for (let i = 1; i < length; i++) if (logits[i] > logits[best]) best = i;
    return best;
  }

  /** The highest logit. */
  highest(): number {
    return this.raw?.highest() ?? this.logits[this.indexOfMax()];
  }

  /** Keeps the `k` highest logits, best first. */
  keepTop(k: number): void {
    if (this.sorted) this.length = Math.min(k, this.length);
    else this.keep(this.topSlots(k));
    this.sorted = true;
  }

  /** Slots of the `k` highest logits, best first. */
  topSlots(k: number): Int32Array {
    return this.raw?.top(k) ?? selectTop(this.logits, this.length, k);
  }

  /**
   * Keeps logits of at least `limit`, in their order, if that takes no look at all of them.
   * @returns whether it did: not if they were fewer than `least`
   */
  keepFrom(limit: number, least: number): boolean {
    const ids = this.raw?.from(limit) ?? null;
    if (ids === null || ids.length < Math.max(1, least)) return false;
    this.takeRaw(ids);
    return true;
  }

  /** Keeps the entries at `slots`, in that order. */
  keep(slots: Int32Array): void {
    if (this.raw !== null) {
      this.takeRaw(slots);
      return;
    }
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
    const { raw, ownIds, ownLogits, length } = this;
    if (raw !== null) return raw.logitOf(id) > Number.NEGATIVE_INFINITY ? id : -1;
    // Most stages leave each token at its own slot. What is behind the length is left over.
    const slot = id < length && ownIds[id] === id ? id : ownIds.subarray(0, length).indexOf(id);
    return slot !== -1 && ownLogits[slot] > Number.NEGATIVE_INFINITY ? slot : -1;
  }

  /** The token at a slot. */
  idAt(slot: number): number {
    return this.raw === null ? this.ownIds[slot] : slot;
  }

  /** Number of candidates that can be drawn. */
  countDrawable(): number {
    if (this.raw !== null) return this.raw.countDrawable();
    const { ownLogits, length } = this;
    let count = 0;
    for (let i = 0; i < length; i++) if (ownLogits[i] > Number.NEGATIVE_INFINITY) count++;
    return count;
  }

  /** Slot of the only one that can be drawn, if that is known without a search; else -1. */
  get certain(): number {
    return this.raw?.certain ?? -1;
  }

  /**
   * Fills `probabilities` in array order, in float32 like llama.cpp's softmax, so that stages cut at the same candidate.
   */
  softmax(): void {
    // What rules out all others only says so.
    if (this.certain !== -1) this.copyRaw();
    this.weigh();
    const { probabilities, length } = this;
    let sum = 0;
    for (let i = 0; i < length; i++) sum = Math.fround(sum + probabilities[i]);
    for (let i = 0; i < length; i++) probabilities[i] = probabilities[i] / sum;
    this.total = 1;
  }

  /** Fills `probabilities` with e^(logit - highest), float32; the caller sets `total`. */
  weigh(): void {
    const highest = this.highest();
    if (this.raw !== null) {
      this.raw.weigh(this.probabilities, highest);
      return;
    }
    const { ownLogits, probabilities, length } = this;
    for (let i = 0; i < length; i++) probabilities[i] = weight(Math.fround(ownLogits[i] - highest));
  }

  /** Probability of the candidate at a slot, after a draw or `softmax()`. */
  probability(slot: number): number {
    const { certain } = this;
    if (certain !== -1) return Number(certain === slot);
    return Math.fround(this.probabilities[slot] / this.total);
  }

  private takeRaw(ids: Int32Array): void {
    for (let i = 0; i < ids.length; i++) {
      this.ownIds[i] = ids[i];
      this.ownLogits[i] = this.whole.logitOf(ids[i]);
    }
    this.raw = null;
    this.length = ids.length;
  }

  /** Copies the raw logits. */
  private copyRaw(): void {
    const { raw, ownIds, length } = this;
    if (raw === null) return;
    raw.copyTo(this.ownLogits);
    this.raw = null;
    for (let i = 0; i < length; i++) ownIds[i] = i;
  }
}
