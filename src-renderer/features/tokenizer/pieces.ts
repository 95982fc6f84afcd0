import type { Tokenized, TokenPiece } from '../../../src-main/engine/api/types.ts';
import { rangeOf } from '../../../src-main/protocol/engine/unpack-tokens.ts';
import { codePoint, visibleParts, type VisiblePart } from '../../lib/visible.ts';

export interface Counts {
  tokens: number;
  /** Tokens that stand for text without an entry in the vocabulary. */
  unknown: number;
  /** Code points. */
  characters: number;
  /** UTF-8 bytes. */
  bytes: number;
  /** Tokens per word of the text; null without words. */
  tokensPerWord: number | null;
}

/** How a piece is shown: its text, or its bytes if it is part of a character. */
export type PieceLook = { kind: 'text'; parts: VisiblePart[] } | { kind: 'bytes'; hex: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a piece is shown. @param text the tokenized text */
export function lookOf(piece: TokenPiece, text: string): PieceLook {
  // An unknown piece has no bytes; show the text that it replaces.
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

/** Code points of a piece: `U+0041 U+0301`; empty for a part of a character. */
export function codePointsOf(bytes: readonly number[]): string {
  try {
    return [...utf8.decode(Uint8Array.from(bytes))]
      .map((character) => codePoint(character.codePointAt(0) ?? 0))
      .join(' ');
  } catch {
    return '';
  }
}

/** Whether a piece ends a line: the next one starts a new row. */
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

/** Counts of a text and its tokens. Millions of characters take milliseconds. */
export function countsOf(text: string, { ids, ranges, vocabulary }: Tokenized): Counts {
  // Added tokens have no text.
  const own = ids.filter((_, index) => rangeOf(ranges, index) !== null).length;
  let words = 0;
  for (const _ of text.matchAll(/\S+/gu)) words++;
  return {
    tokens: ids.length,
    unknown: ids.filter((id) => vocabulary.get(id)?.unknown === true).length,
    characters: text.length - secondHalves(text),
    bytes: new TextEncoder().encode(text).length,
    tokensPerWord: words === 0 ? null : own / words,
  };
}

/** Number of low surrogates. */
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
