/** Many strings in one block of UTF-8. A vocabulary of 262,144 tokens takes three allocations instead of 262,144. */
export class StringArray {
  private readonly text = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param offsets `[length + 1]`: string i is bytes offsets[i]..offsets[i + 1] */
  constructor(
    readonly blob: Uint8Array,
    readonly offsets: Uint32Array,
  ) {}

  get length(): number {
    return this.offsets.length - 1;
  }

  /** The string's UTF-8 bytes, which need not be valid UTF-8. */
  bytes(index: number): Uint8Array {
    return this.blob.subarray(this.offsets[index], this.offsets[index + 1]);
  }

  get(index: number): string {
    return this.text.decode(this.bytes(index));
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }
}

/** Builds a StringArray of unknown size. It allocates nothing because of a size that a file merely claims. */
export class StringArrayBuilder {
  private blob = new Uint8Array(4096);
  private used = 0;
  private readonly ends: number[] = [0];

  push(bytes: Uint8Array): void {
    if (this.used + bytes.length > this.blob.length) {
      const grown = new Uint8Array(Math.max(2 * this.blob.length, this.used + bytes.length));
      grown.set(this.blob.subarray(0, this.used));
      this.blob = grown;
    }
    this.blob.set(bytes, this.used);
    this.used += bytes.length;
    this.ends.push(this.used);
  }

  build(): StringArray {
    return new StringArray(this.blob.slice(0, this.used), Uint32Array.from(this.ends));
  }
}
