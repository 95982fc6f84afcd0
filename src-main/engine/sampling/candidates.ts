import { asLogits, type Logits } from './logits.ts';
import { selectTop } from './select-top.ts';

const NONE: ReadonlySet<number> = new Set();

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
   * What the model gave, until a stage looks at each token or changes one; null from then on. Most chains begin by
   * keeping a few, which needs no copy of a whole vocabulary.
   */
  private raw: Logits | null = null;
  /** Of `raw`, what does not count. */
  private masked = NONE;

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
    this.length = this.raw.values.length;
    this.sorted = false;
  }

  /** Rules out tokens, before any stage has moved one. */
  mask(masked: ReadonlySet<number>): void {
    if (this.raw !== null) this.masked = masked;
    else for (const id of masked) this.ownLogits[id] = Number.NEGATIVE_INFINITY;
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

  /** The `k` highest of the raw logits; null when they no longer are the candidates, or a masked one is among them. */
  private rawTop(k: number): Int32Array | null {
    const ids = this.raw?.top(k) ?? null;
    if (ids === null || this.masked.size === 0) return ids;
    return ids.some((id) => this.masked.has(id)) ? null : ids;
  }

  private takeRaw(ids: Int32Array): void {
    const { values } = this.raw!;
    this.raw = null;
    for (let i = 0; i < ids.length; i++) {
      this.ownIds[i] = ids[i];
      this.ownLogits[i] = values[ids[i]];
    }
    this.length = ids.length;
  }

  /** Copies the raw logits. */
  private takeOver(): void {
    if (this.raw === null) return;
    const { ownIds, ownLogits, masked, length } = this;
    ownLogits.set(this.raw.values);
    this.raw = null;
    for (let i = 0; i < length; i++) ownIds[i] = i;
    for (const id of masked) ownLogits[id] = Number.NEGATIVE_INFINITY;
  }
}
