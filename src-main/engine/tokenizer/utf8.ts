/**
 * Writes `text` as UTF-8 into `into` at `at`, which needs three bytes per UTF-16 unit; a lone surrogate becomes U+FFFD.
 * Faster than a TextEncoder for short texts.
 * @returns the offset of the next byte
 */
export function writeUtf8(text: string, into: Uint8Array, at = 0): number {
  for (let i = 0; i < text.length; i++) {
    let unit = text.charCodeAt(i);
    if (unit < 0x80) {
      into[at++] = unit;
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6);
      into[at++] = 0x80 | (unit & 0x3f);
    } else {
      if (unit >= 0xd800 && unit < 0xe000) {
        const next = unit < 0xdc00 ? text.charCodeAt(i + 1) : 0;
        if (next >= 0xdc00 && next < 0xe000) {
          const codePoint = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
          into[at++] = 0xf0 | (codePoint >> 18);
          into[at++] = 0x80 | ((codePoint >> 12) & 0x3f);
          into[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
          into[at++] = 0x80 | (codePoint & 0x3f);
          i++;
          continue;
        }
        unit = 0xfffd;
      }
      into[at++] = 0xe0 | (unit >> 12);
      into[at++] = 0x80 | ((unit >> 6) & 0x3f);
      into[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return at;
}

/** Length of the UTF-8 character that begins with `byte`. */
export function characterLength(byte: number): number {
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** The code point whose UTF-8 begins at `bytes[at]`. */
export function codePointAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  const length = characterLength(byte);
  let codePoint = length === 1 ? byte : byte & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) codePoint = (codePoint << 6) | (bytes[at + i] & 0x3f);
  return codePoint;
}

/** The code point whose UTF-8 ends before `bytes[end]`. */
export function codePointBefore(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > 0 && (bytes[at] & 0xc0) === 0x80) at--;
  return codePointAt(bytes, at);
}

/** Number of UTF-16 units in bytes `[start, end)` of UTF-8. */
export function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte >= 0xf0) units += 2;
    else if (byte < 0x80 || byte >= 0xc0) units++;
  }
  return units;
}

/**
 * Decodes UTF-8 that arrives in parts. Invalid bytes become U+FFFD, one per maximal invalid part, as soon as that is
 * certain.
 */
export class Utf8Stream {
  private decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Bytes missing from an incomplete character, and the bounds of the next (Encoding Standard, UTF-8 decoder). */
  private wanted = 0;
  private lower = 0x80;
  private upper = 0xbf;

  /** Returns the text that these bytes complete. */
  push(bytes: Uint8Array): string {
    for (const byte of bytes) this.follow(byte);
    return this.decoder.decode(bytes, { stream: true });
  }

  /** Whether a character is incomplete. */
  get pending(): boolean {
    return this.wanted > 0;
  }

  /** Returns U+FFFD for an incomplete character. The next byte begins a new text. */
  flush(): string {
    const rest = this.decoder.decode();
    this.decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    this.wanted = 0;
    return rest;
  }

  private follow(byte: number): void {
    const { wanted, lower, upper } = this;
    this.lower = 0x80;
    this.upper = 0xbf;
    if (wanted > 0 && byte >= lower && byte <= upper) {
      this.wanted--;
      return;
    }
    this.wanted = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.lower = 0xa0;
    else if (byte === 0xed) this.upper = 0x9f;
    else if (byte === 0xf0) this.lower = 0x90;
    else if (byte === 0xf4) this.upper = 0x8f;
  }
}
