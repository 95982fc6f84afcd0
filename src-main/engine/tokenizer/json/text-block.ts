import { utf16Length } from '../utf8.ts';

/** Many texts, one behind the other in one block of UTF-8: half a million of them are two arrays. */
export class TextBlock {
  /** Their UTF-8, and room behind it. */
  blob: Uint8Array;
  /** Bytes of `blob` that are filled. */
  used = 0;
  /** How many texts there are. */
  count = 0;
  /** Text i lies in bytes offsets[i]..offsets[i + 1]. */
  offsets = new Uint32Array(2 ** 12);

  /** @param capacity bytes that there is room for at first */
  constructor(capacity: number) {
    this.blob = new Uint8Array(capacity);
  }

  /** Makes room for `bytes` more. */
  reserve(bytes: number): void {
    if (this.used + bytes <= this.blob.length) return;
    const { blob } = this;
    this.blob = new Uint8Array(Math.max(2 * blob.length, this.used + bytes));
    this.blob.set(blob);
  }

  /** Ends the text that was written to `blob` up to byte `end`. */
  close(end: number): void {
    this.used = end;
    if (++this.count === this.offsets.length) {
      const { offsets } = this;
      this.offsets = new Uint32Array(2 * offsets.length);
      this.offsets.set(offsets);
    }
    this.offsets[this.count] = end;
  }

  /** As strings. @throws TypeError when they are not UTF-8 */
  texts(): string[] {
    const all = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.blob.subarray(0, this.used));
    let at = 0;
    return Array.from({ length: this.count }, (_, i) => {
      const start = at;
      at += utf16Length(this.blob, this.offsets[i], this.offsets[i + 1]);
      return all.slice(start, at);
    });
  }

  /** Whether they are UTF-8, where each begins with the first byte of a character. */
  isUtf8(): boolean {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(this.blob.subarray(0, this.used));
      return true;
    } catch {
      return false;
    }
  }
}
