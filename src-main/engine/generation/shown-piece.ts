import type { TokenMerge } from '../api/types.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { bytePiece } from '../tokenizer/model/byte-piece.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Pieces cached per tokenizer: the same few thousand are shown again and again. */
const REMEMBERED = 10_000;
/** How SentencePiece writes a space. */
const SPACE = '▁';
const remembered = new WeakMap<Tokenizer, Map<number, string>>();

/**
 * Formats a token for people: ` world`, a line end, `##ing`, `<EOS>`; `<0xE2>` for each byte of an incomplete character.
 * Never the vocabulary's own encoding of bytes or spaces (`Ġworld`, `▁world`).
 *
 * @throws EngineError BAD_REQUEST for an id outside the vocabulary
 */
export function shownPiece(tokenizer: Tokenizer, id: number): string {
  let known = remembered.get(tokenizer);
  if (known === undefined) remembered.set(tokenizer, (known = new Map<number, string>()));
  const before = known.get(id);
  if (before !== undefined) return before;
  const shown = decodePiece(tokenizer, id);
  if (known.size >= REMEMBERED) known.clear();
  known.set(id, shown);
  return shown;
}

function decodePiece(tokenizer: Tokenizer, id: number): string {
  const piece = tokenizer.piece(id);
  const bytes = tokenizer.bytes(id);
  if (tokenizer.isSpecial(id) || bytes.length === 0) return piece;
  try {
    const text = utf8.decode(bytes);
    // WordPiece marks the continuation of a word with a familiar sign, instead of the space before a word.
    const isWordPiece = text === ` ${piece}` || (piece.startsWith('##') && text === piece.slice(2));
    return isWordPiece ? piece : text;
  } catch {
    return spelledOut(bytes);
  }
}

/**
 * Formats the merges that make a token, whose symbols are parts of its piece, in the same way.
 *
 * @throws EngineError BAD_REQUEST for an id outside the vocabulary
 */
export function shownMerges(tokenizer: Tokenizer, id: number): TokenMerge[] {
  const merges = tokenizer.merges(id);
  if (merges.length === 0) return merges;
  const characters = Array.from(tokenizer.piece(id));
  const bytes = tokenizer.bytes(id);
  // Byte-level vocabularies have one character for each byte. In others, only the space is written differently.
  const byteOf = characters.length === bytes.length ? new Map(characters.map((sign, at) => [sign, bytes[at]])) : null;
  const shown = (symbol: string) => {
    if (byteOf === null) return symbol.replaceAll(SPACE, ' ');
    const own = Uint8Array.from(symbol, (sign) => byteOf.get(sign) ?? 0);
    try {
      return utf8.decode(own);
    } catch {
      return spelledOut(own);
    }
  };
  return merges.map(({ left, right, rank }) => ({ left: shown(left), right: shown(right), rank }));
}

function spelledOut(bytes: Uint8Array): string {
  return Array.from(bytes, bytePiece).join('');
}
