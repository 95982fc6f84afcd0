/**
 * Earlier versions stored tokens as spelled in their vocabulary: `Ġworld` for bytes written as characters, `▁world` with
 * a sign for a space. Now their text is stored: ` world`.
 */

interface Piece {
  piece: string;
  text: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** GPT-2's character for each byte: printable ones map to themselves, the others to U+0100 and up, in order. */
const BYTES = new Map<string, number>();
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  BYTES.set(String.fromCharCode(isPrintable(byte) ? byte : next++), byte);
}

/** Null for a piece that is not written that way. */
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

/** Determines how to decode the pieces of a reply from the texts of its tokens. */
export function pieceReader(tokens: readonly Piece[]): (piece: string) => string {
  const told = tokens.filter(({ piece, text }) => text !== '' && piece !== text);
  if (told.some(({ piece, text }) => ofBytes(piece) === text)) return (piece) => ofBytes(piece) ?? piece;
  if (told.some(({ piece, text }) => piece.includes('▁') && ofSpaces(piece) === text)) return ofSpaces;
  return (piece) => piece;
}
