import type { TokensAnswer } from '../api/inside-types.ts';
import { shownMerges, shownPiece } from '../generation/shown-piece.ts';
import type { InsideRun } from './tapped-row.ts';

/** The tokens, and how the tokenizer came to each. */
export function tokensOf({ model, ids }: InsideRun): TokensAnswer {
  const { tokenizer } = model;
  const pieces = ids.map((id) => tokenizer.piece(id));
  const prefix = tokenizer.continuingPrefix;
  return {
    kind: 'tokens',
    tokens: ids.map((id, i) => ({
      id,
      piece: shownPiece(tokenizer, id),
      bytes: Array.from(tokenizer.bytes(id)),
      special: tokenizer.isSpecial(id),
      unknown: id === tokenizer.unkTokenId,
      merges: shownMerges(tokenizer, id),
      attempts: prefix === null || tokenizer.isSpecial(id) ? [] : attempts(pieces, i, prefix),
    })),
  };
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
