/** A character of which only the first bytes have been read. */
export interface PartialCharacter {
  /** The bits read so far. */
  readonly value: number;
  /** Bytes still to come; 0: no character has begun. */
  readonly missing: number;
}

export const NO_PARTIAL: PartialCharacter = { value: 0, missing: 0 };

/** Bytes that come after a first byte; -1 where no character begins with it. */
export function bytesAfter(first: number): number {
  if (first < 0x80) return 0;
  if (first < 0xc2) return -1;
  if (first < 0xe0) return 1;
  if (first < 0xf0) return 2;
  return first < 0xf5 ? 3 : -1;
}

/**
 * What a begun character has become after one more byte; -1 where that is no UTF-8: a byte that does not continue, a
 * longer encoding than needed, half of a surrogate pair, or a character beyond Unicode.
 * @param missing bytes that were still to come, this one included
 */
export function continued(value: number, missing: number, byte: number): number {
  if ((byte & 0xc0) !== 0x80) return -1;
  const next = (value << 6) | (byte & 0x3f);
  if (missing === 2 && (next < 0x20 || (next >= 0x360 && next < 0x380))) return -1;
  return missing === 3 && (next < 0x10 || next >= 0x110) ? -1 : next;
}

/** The lowest code point that a begun character can become. */
export function firstCharacter(value: number, missing: number): number {
  // Longer encodings of characters that have a shorter one are no UTF-8.
  return Math.max(value << (6 * missing), missing === 3 ? 0x10000 : missing === 2 ? 0x800 : 0x80);
}

/** The highest code point that a begun character can become. */
export function lastCharacter(value: number, missing: number): number {
  return (value << (6 * missing)) | ((1 << (6 * missing)) - 1);
}

export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
