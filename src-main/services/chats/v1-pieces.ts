/**
 * Earlier versions stored tokens as their vocabulary writes them: `Ġworld` where bytes are written as characters,
 * `▁world` where a space has a sign. Now what they stand for is stored: ` world`.
 */

interface Piece {
  piece: string;
  text: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** GPT-2's character for each byte: printable ones stand for themselves, the others are U+0100 and up, in order. */
const BYTES = new Map<string, number>();
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  BYTES.set(String.fromCharCode(isPrintable(byte) ? byte : next++), byte);
}

/** Null for what is not written that way. */
function ofBytes(piece: string): string | null {
  const bytes = Array.from(piece, (character) => BYTES.get(character) ?? -1);
  if (bytes.includes(-1)) return null;
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return bytes.map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('');
  }
}

const ofSpaces = (piece: string): string => piece.replaceAll('▁', ' ');

/** How to read the pieces of a reply, judged by what its tokens added to its text. */
export function pieceReader(tokens: readonly Piece[]): (piece: string) => string {
  const told = tokens.filter(({ piece, text }) => text !== '' && piece !== text);
  if (told.some(({ piece, text }) => ofBytes(piece) === text)) return (piece) => ofBytes(piece) ?? piece;
  if (told.some(({ piece, text }) => piece.includes('▁') && ofSpaces(piece) === text)) return ofSpaces;
  return (piece) => piece;
}
