import type { TokensAnswer } from '../api/inside-types.ts';
import { shownMerges, shownPiece } from '../generation/shown-piece.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { InsideRun } from './tapped-row.ts';

const SPACE = 0x20;

/** The tokens, and how the tokenizer came to each. */
export function tokensOf({ model, ids }: Pick<InsideRun, 'model' | 'ids'>): TokensAnswer {
  const { tokenizer } = model;
  const pieces = ids.map((id) => tokenizer.piece(id));
  const prefix = tokenizer.continuingPrefix;
  const bytes = bytesInText(tokenizer, ids);
  return {
    kind: 'tokens',
    text: tokenizer.decode(ids.slice(textStart(tokenizer, ids))),
    tokens: ids.map((id, i) => ({
      id,
      piece: shownPiece(tokenizer, id),
      bytes: bytes[i],
      special: tokenizer.isSpecial(id),
      unknown: id === tokenizer.unkTokenId,
      merges: shownMerges(tokenizer, id),
      attempts: prefix === null || tokenizer.isSpecial(id) ? [] : attempts(pieces, i, prefix),
    })),
  };
}

/** Index of the first token that is not special. Vocabularies add a space before it, which decoding from there removes. */
function textStart(tokenizer: Tokenizer, ids: readonly number[]): number {
  const first = ids.findIndex((id) => !tokenizer.isSpecial(id));
  return first === -1 ? ids.length : first;
}

/** What each token adds to the text, as UTF-8. */
function bytesInText(tokenizer: Tokenizer, ids: readonly number[]): number[][] {
  const first = textStart(tokenizer, ids);
  const text = new TextEncoder().encode(tokenizer.decode(ids.slice(first, first + 1)));
  return ids.map((id, i) => {
    if (tokenizer.isSpecial(id)) return [];
    const bytes = Array.from(tokenizer.bytes(id));
    return i === first ? bytes.slice(Math.max(0, spacesOf(bytes) - spacesOf(text))) : bytes;
  });
}

/** Spaces at the beginning. */
function spacesOf(bytes: ArrayLike<number>): number {
  let count = 0;
  while (bytes[count] === SPACE) count += 1;
  return count;
}

/** WordPiece takes the longest piece at the start of the rest of a word: from all of the rest down to the one found. */
function attempts(pieces: readonly string[], at: number, prefix: string): string[] {
  const isInside = pieces[at].startsWith(prefix);
  const start = isInside ? prefix : '';
  let rest = pieces[at].slice(start.length);
  const shortest = rest.length;
  for (let next = at + 1; next < pieces.length && pieces[next].startsWith(prefix); next++) {
    rest += pieces[next].slice(prefix.length);
  }
  return Array.from({ length: rest.length - shortest + 1 }, (_, i) => start + rest.slice(0, rest.length - i));
}
