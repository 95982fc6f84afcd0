import { utf16Length } from '../utf8.ts';

/** Many strings in one block of UTF-8: half a million of them are two arrays. */
export class TextBlock {
  /** Their UTF-8, with spare capacity. */
  blob: Uint8Array;
  /** Used bytes of `blob`. */
  used = 0;
  /** Number of strings. */
  count = 0;
  /** String i is bytes offsets[i]..offsets[i + 1]. */
  offsets = new Uint32Array(2 ** 12);

  /** @param capacity initial size in bytes */
  constructor(capacity: number) {
    this.blob = new Uint8Array(capacity);
  }

  /** Ensures capacity for `bytes` more. */
  reserve(bytes: number): void {
    if (this.used + bytes <= this.blob.length) return;
    const { blob } = this;
    this.blob = new Uint8Array(Math.max(2 * blob.length, this.used + bytes));
    this.blob.set(blob);
  }

  /** Ends the string that was written to `blob` up to byte `end`. */
  close(end: number): void {
    this.used = end;
    if (++this.count === this.offsets.length) {
      const { offsets } = this;
      this.offsets = new Uint32Array(2 * offsets.length);
      this.offsets.set(offsets);
    }
    this.offsets[this.count] = end;
  }

  /** Decodes all strings. @throws TypeError when they are not UTF-8 */
  texts(): string[] {
    const all = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.blob.subarray(0, this.used));
    let at = 0;
    return Array.from({ length: this.count }, (_, i) => {
      const start = at;
      at += utf16Length(this.blob, this.offsets[i], this.offsets[i + 1]);
      return all.slice(start, at);
    });
  }

  /** Whether they are valid UTF-8, where each begins with the first byte of a character. */
  isUtf8(): boolean {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(this.blob.subarray(0, this.used));
      return true;
    } catch {
      return false;
    }
  }
}
