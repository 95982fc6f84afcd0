import type { Tokenized, TokenPiece } from '../../../src-main/engine/api/types.ts';
import { rangeOf } from '../../../src-main/protocol/engine/unpack-tokens.ts';
import { codePoint, visibleParts, type VisiblePart } from '../../lib/visible.ts';

export interface Counts {
  tokens: number;
  /** Code points. */
  characters: number;
  /** Of UTF-8. */
  bytes: number;
  /** Tokens of the text for each of its words; null without a word. */
  tokensPerWord: number | null;
}

/** What a piece looks like: its text, or the bytes of a part of a character. */
export type PieceLook = { kind: 'text'; parts: VisiblePart[] } | { kind: 'bytes'; hex: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a piece is shown. @param text that was cut into pieces */
export function lookOf(piece: TokenPiece, text: string): PieceLook {
  // An unknown piece stands for no bytes; the text says what it was read for.
  if (piece.unknown && piece.range !== null) return asText(text.slice(...piece.range));
  if (piece.special || piece.bytes.length === 0) return asText(piece.piece);
  try {
    return asText(utf8.decode(Uint8Array.from(piece.bytes)));
  } catch {
    return { kind: 'bytes', hex: hexOf(piece.bytes) };
  }
}

const asText = (text: string): PieceLook => ({ kind: 'text', parts: visibleParts(text) });

/** `e2 82 ac`. */
export function hexOf(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** The code points that a piece stands for: `U+0041 U+0301`; empty for a part of a character. */
export function codePointsOf(bytes: readonly number[]): string {
  try {
    return [...utf8.decode(Uint8Array.from(bytes))]
      .map((character) => codePoint(character.codePointAt(0) ?? 0))
      .join(' ');
  } catch {
    return '';
  }
}

/** A line ends here: what follows begins in a row of its own. */
export function endsLine(piece: TokenPiece): boolean {
  return !piece.special && piece.bytes.includes(10);
}

const KINDS: Readonly<Record<TokenPiece['kind'], string>> = {
  normal: 'text',
  control: 'special token',
  user_defined: 'added token',
  byte: 'single byte',
  unknown: 'unknown token',
  unused: 'unused',
};

export function kindText(piece: TokenPiece): string {
  if (piece.unknown) return KINDS.unknown;
  return piece.kind === 'normal' && piece.special ? KINDS.control : KINDS[piece.kind];
}

/** Of a text, and of its tokens. Millions of characters take milliseconds. */
export function countsOf(text: string, { ids, ranges }: Tokenized): Counts {
  // Those that were added stand for nothing in the text.
  const own = ids.filter((_, index) => rangeOf(ranges, index) !== null).length;
  let words = 0;
  for (const _ of text.matchAll(/\S+/gu)) words++;
  return {
    tokens: ids.length,
    characters: text.length - secondHalves(text),
    bytes: new TextEncoder().encode(text).length,
    tokensPerWord: words === 0 ? null : own / words,
  };
}

/** How many UTF-16 units are the second half of a character. */
function secondHalves(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) ?? 0) > 0xffff) {
      count++;
      at++;
    }
  }
  return count;
}
