import type { TextBlock } from './text-block.ts';

/** An object `{ text: whole number, ... }` of a file, as it stands there: keys may be there twice. */
export class PackedRecord {
  /** @param values `[texts]` */
  constructor(
    readonly keys: TextBlock,
    readonly values: Uint32Array,
  ) {}

  /** What JSON.parse makes of it. */
  toRecord(): Record<string, number> {
    return Object.fromEntries(this.keys.texts().map((key, i) => [key, this.values[i]]));
  }
}

/** A list of pairs of texts, each written as `[left, right]` or as `left right`. */
export class PackedPairs {
  /** @param texts `[2 * pairs]` left, right, left, right ... */
  constructor(readonly texts: TextBlock) {}

  get length(): number {
    return this.texts.count / 2;
  }

  /** What JSON.parse makes of it when all are written as `[left, right]`. */
  toList(): [string, string][] {
    const texts = this.texts.texts();
    return Array.from({ length: this.length }, (_, i) => [texts[2 * i], texts[2 * i + 1]]);
  }
}
