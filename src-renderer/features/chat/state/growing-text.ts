/** Tails shorter than this, in UTF-16 units, are not joined. */
const TAIL_MIN = 4096;

/**
 * A text that grows at its end. The cost of appending, and of slicing near the end, does not depend on the length of the
 * text. A plain string would be copied in full before each slice.
 */
export class GrowingText {
  #head = '';
  #tail = '';

  constructor(text = '') {
    this.#head = text;
  }

  get length(): number {
    return this.#head.length + this.#tail.length;
  }

  append(text: string): void {
    this.#tail += text;
    if (this.#tail.length > Math.max(TAIL_MIN, this.#head.length / 4)) this.#join();
  }

  slice(from: number, to: number): string {
    const joint = this.#head.length;
    if (to <= joint) return this.#head.slice(from, to);
    if (from >= joint) return this.#tail.slice(from - joint, to - joint);
    return this.#head.slice(from) + this.#tail.slice(0, to - joint);
  }

  toString(): string {
    this.#join();
    return this.#head;
  }

  #join(): void {
    this.#head += this.#tail;
    this.#tail = '';
  }
}
