import type { TextBlock } from './text-block.ts';

/** An object `{ text: integer, ... }` of a file, in file order: it may have duplicate keys. */
export class PackedRecord {
  /** @param values `[texts]` */
  constructor(
    readonly keys: TextBlock,
    readonly values: Uint32Array,
  ) {}

  /** The same object as from JSON.parse. */
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

  /** The same list as from JSON.parse, with all pairs as `[left, right]`. */
  toList(): [string, string][] {
    const texts = this.texts.texts();
    return Array.from({ length: this.length }, (_, i) => [texts[2 * i], texts[2 * i + 1]]);
  }
}
