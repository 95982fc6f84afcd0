/** An incomplete character. */
export interface PartialCharacter {
  /** The bits read so far. */
  readonly value: number;
  /** Number of missing bytes; 0 if no character has begun. */
  readonly missing: number;
}

export const NO_PARTIAL: PartialCharacter = { value: 0, missing: 0 };

/** Number of bytes after a first byte; -1 if no character begins with it. */
export function bytesAfter(first: number): number {
  if (first < 0x80) return 0;
  if (first < 0xc2) return -1;
  if (first < 0xe0) return 1;
  if (first < 0xf0) return 2;
  return first < 0xf5 ? 3 : -1;
}

/**
 * The bits of an incomplete character after one more byte; -1 for invalid UTF-8: no continuation byte, an overlong
 * encoding, a surrogate, or a code point beyond Unicode.
 * @param missing number of missing bytes, including this one
 */
export function continued(value: number, missing: number, byte: number): number {
  if ((byte & 0xc0) !== 0x80) return -1;
  const next = (value << 6) | (byte & 0x3f);
  if (missing === 2 && (next < 0x20 || (next >= 0x360 && next < 0x380))) return -1;
  return missing === 3 && (next < 0x10 || next >= 0x110) ? -1 : next;
}

/** The lowest code point that an incomplete character can become. */
export function firstCharacter(value: number, missing: number): number {
  // Overlong encodings are invalid.
  return Math.max(value << (6 * missing), missing === 3 ? 0x10000 : missing === 2 ? 0x800 : 0x80);
}

/** The highest code point that an incomplete character can become. */
export function lastCharacter(value: number, missing: number): number {
  return (value << (6 * missing)) | ((1 << (6 * missing)) - 1);
}

export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
