import { writeUtf8 } from '../utf8.ts';
import type { TextBlock } from './text-block.ts';

/** The input is not JSON, or not as simple as the caller expects. */
export class UnexpectedJson extends Error {}

export const BYTE = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  backslash: 0x5c,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

const [ZERO, NINE, SMALL_U] = [0x30, 0x39, 0x75];
/** The byte for each escape after a backslash; 0 for none. */
const ESCAPED = new Uint8Array(256);
[...'"\\/bfnrt'].forEach((letter, i) => (ESCAPED[letter.charCodeAt(0)] = '"\\/\b\f\n\r\t'.charCodeAt(i)));
const NO_DIGIT = 255;
const HEX = new Uint8Array(256).fill(NO_DIGIT);
[...'0123456789abcdef0123456789ABCDEF'].forEach((digit, i) => (HEX[digit.charCodeAt(0)] = i % 16));

/**
 * Parses JSON from UTF-8 bytes without creating strings or objects. Skipped values are not checked. Every method throws
 * UnexpectedJson for unexpected input.
 */
export class JsonCursor {
  /** Offset of the next byte. */
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  /** The next non-space byte, without consuming it; 0 at the end. */
  peek(): number {
    const { bytes } = this;
    while (this.at < bytes.length) {
      const byte = bytes[this.at];
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
      this.at++;
    }
    return 0;
  }

  /** Consumes `byte` if it comes next. */
  takes(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  expect(byte: number): void {
    if (!this.takes(byte)) throw new UnexpectedJson();
  }

  /** Parses an object or a list: calls `member` before each member, which it must consume. */
  members(open: number, close: number, member: () => void): void {
    this.expect(open);
    if (this.takes(close)) return;
    do member();
    while (this.takes(BYTE.comma));
    this.expect(close);
  }

  /** Parses a key without escapes, and the colon after it. */
  key(): string {
    this.expect(BYTE.quote);
    const start = this.at;
    const end = this.endOfText();
    const raw = this.bytes.subarray(start, end);
    if (raw.includes(BYTE.backslash)) throw new UnexpectedJson();
    this.at = end + 1;
    this.expect(BYTE.colon);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(raw);
  }

  /** Parses an integer of at most nine digits. */
  count(): number {
    const first = this.peek();
    const start = this.at;
    let value = 0;
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at];
      if (byte < ZERO || byte > NINE) break;
      value = 10 * value + byte - ZERO;
    }
    const digits = this.at - start;
    if (digits === 0 || digits > 9 || (first === ZERO && digits > 1)) throw new UnexpectedJson();
    return value;
  }

  /**
   * Parses a string and appends it, unescaped, to `into`. Surrogates must be paired. It need not be valid UTF-8, but must
   * begin with the first byte of a character.
   * @returns its end in `into`, for `into.close`
   */
  text(into: TextBlock): number {
    this.expect(BYTE.quote);
    const { bytes } = this;
    const end = this.endOfText();
    into.reserve(end - this.at);
    const { blob } = into;
    let used = into.used;
    if ((bytes[this.at] & 0xc0) === 0x80) throw new UnexpectedJson();
    while (this.at < end) {
      const byte = bytes[this.at++];
      if (byte === BYTE.backslash) used = this.escape(blob, used);
      else if (byte < 0x20) throw new UnexpectedJson();
      else blob[used++] = byte;
    }
    this.at = end + 1;
    return used;
  }

  /** Skips a value. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === 0) throw new UnexpectedJson();
      if (byte === BYTE.openObject || byte === BYTE.openList) depth++;
      if (byte === BYTE.closeObject || byte === BYTE.closeList) depth--;
      this.at++;
      if (byte === BYTE.quote) this.at = this.endOfText() + 1;
      else if (!isPunctuation(byte)) this.skipWord();
    } while (depth > 0);
  }

  /** Skips the rest of a number, true, false or null. */
  private skipWord(): void {
    const { bytes } = this;
    while (this.at < bytes.length && bytes[this.at] > 0x20 && !isPunctuation(bytes[this.at])) this.at++;
  }

  /** Offset of the quotation mark that ends the string. */
  private endOfText(): number {
    const { bytes } = this;
    let end = this.at;
    while (end < bytes.length && bytes[end] !== BYTE.quote) end += bytes[end] === BYTE.backslash ? 2 : 1;
    if (end >= bytes.length) throw new UnexpectedJson();
    return end;
  }

  /** Parses what follows a backslash and writes the result. @returns the offset of the next byte */
  private escape(into: Uint8Array, used: number): number {
    const letter = this.bytes[this.at++];
    if (letter !== SMALL_U) {
      if (ESCAPED[letter] === 0) throw new UnexpectedJson();
      into[used] = ESCAPED[letter];
      return used + 1;
    }
    let codePoint = this.fourDigits();
    if (codePoint >= 0xd800 && codePoint < 0xe000) {
      const { at, bytes } = this;
      const hasPartner = codePoint < 0xdc00 && bytes[at] === BYTE.backslash && bytes[at + 1] === SMALL_U;
      this.at += 2;
      const low = hasPartner ? this.fourDigits() : 0;
      if (low < 0xdc00 || low >= 0xe000) throw new UnexpectedJson();
      codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (low & 0x3ff);
    }
    // Six bytes of the file per UTF-16 unit, so it fits.
    return writeUtf8(String.fromCodePoint(codePoint), into, used);
  }

  private fourDigits(): number {
    let value = 0;
    for (const end = this.at + 4; this.at < end; this.at++) {
      const digit = HEX[this.bytes[this.at]];
      if (digit === NO_DIGIT) throw new UnexpectedJson();
      value = 16 * value + digit;
    }
    return value;
  }
}

function isPunctuation(byte: number): boolean {
  return (
    byte === BYTE.comma ||
    byte === BYTE.colon ||
    byte === BYTE.quote ||
    byte === BYTE.openList ||
    byte === BYTE.closeList ||
    byte === BYTE.openObject ||
    byte === BYTE.closeObject
  );
}
