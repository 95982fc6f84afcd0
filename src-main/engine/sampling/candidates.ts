import { selectTop } from './select-top.ts';

/**
 * The tokens that may still come next, shared by all stages of a chain: parallel arrays of which the first `length`
 * entries count. Truncating samplers shorten it, the others change logits in place.
 */
export class Candidates {
  /** `[capacity]` token ids. */
  readonly ids: Int32Array;
  /** `[capacity]` logits, float32 as in llama.cpp. */
  readonly logits: Float32Array;
  /** `[capacity]` probabilities, valid after `softmax()` until the next change. */
  readonly probabilities: Float32Array;
  length = 0;
  /** Known to be ordered by logit, best first. */
  sorted = false;

  /** @param capacity size of the vocabulary */
  constructor(capacity: number) {
    this.ids = new Int32Array(capacity);
    this.logits = new Float32Array(capacity);
    this.probabilities = new Float32Array(capacity);
  }

  /** Takes up one logit per token: entry i is token i. */
  reset(logits: Float32Array): void {
    this.length = logits.length;
    this.sorted = false;
    this.logits.set(logits);
    for (let i = 0; i < this.length; i++) this.ids[i] = i;
  }

  /** Index of the first highest logit. */
  indexOfMax(): number {
    if (this.sorted) return 0;
    let best = 0;
    for (let i = 1; i < this.length; i++) if (this.logits[i] > this.logits[best]) best = i;
    return best;
  }

  /** Keeps the `k` highest logits, best first. */
  keepTop(k: number): void {
    if (this.sorted) this.length = Math.min(k, this.length);
    else this.keep(selectTop(this.logits, this.length, k));
    this.sorted = true;
  }

  /** Keeps the entries at `slots`, in that order. */
  keep(slots: Int32Array): void {
    const ids = new Int32Array(slots.length);
    const logits = new Float32Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      ids[i] = this.ids[slots[i]];
      logits[i] = this.logits[slots[i]];
    }
    this.ids.set(ids);
    this.logits.set(logits);
    this.length = slots.length;
  }

  /** Entries that can be drawn at all. */
  countDrawable(): number {
    let count = 0;
    for (let i = 0; i < this.length; i++) if (this.logits[i] > Number.NEGATIVE_INFINITY) count++;
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
}
