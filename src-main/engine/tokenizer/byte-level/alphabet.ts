/**
 * GPT-2's mapping of bytes to characters, so that a vocabulary of byte sequences can be stored as text: printable Latin-1
 * bytes map to themselves, the other 68 to U+0100 and up, in order. (`bytes_to_unicode`.)
 */
const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** The character for each byte. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/**
 * The bytes of a piece. If any character maps to no byte (as in an added token, which is ordinary text), they are the
 * piece's UTF-8.
 */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = BYTES.get(piece[i]);
    if (byte === undefined) return new TextEncoder().encode(piece);
    bytes[i] = byte;
  }
  return bytes;
}
