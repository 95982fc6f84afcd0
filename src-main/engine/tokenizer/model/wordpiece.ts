import { CharTrie } from './char-trie.ts';
import type { TokenModel, WordToken } from './model.ts';

export interface WordPieceOptions {
  /** Pieces to ids. */
  readonly pieces: CharTrie;
  /** Prefix of pieces inside a word (`##`). */
  readonly continuingPrefix: string;
  readonly maxCharsPerWord: number;
  readonly unkTokenId: number;
}

/**
 * WordPiece: takes the longest piece at the start of the word, then the longest at the start of the rest, and so on;
 * pieces inside a word have a prefix (`##`). A word with a part that no piece covers, or with too many characters, is one
 * unknown token. (Schuster and Nakajima, 2012; Hugging Face `models/wordpiece`.)
 */
export function wordPiece({ pieces, continuingPrefix, maxCharsPerWord, unkTokenId }: WordPieceOptions): TokenModel {
  const inside = pieces.walk(continuingPrefix);
  return {
    unkTokenId,
    continuingPrefix,
    tokenize(word) {
      const unknown = [{ id: unkTokenId, start: 0, end: word.length }];
      if (hasMoreCodePoints(word, maxCharsPerWord)) return unknown;
      const tokens: WordToken[] = [];
      for (let start = 0; start < word.length;) {
        const node = start === 0 ? CharTrie.ROOT : inside;
        const found = node === -1 ? null : pieces.longest(word, start, node);
        if (!found) return unknown;
        tokens.push({ id: found.value, start, end: found.end });
        start = found.end;
      }
      return tokens;
    },
  };
}

/** Whether `text` has more than `limit` code points. Does not scan all of a long text. */
function hasMoreCodePoints(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  if (text.length > 2 * limit) return true;
  return [...text].length > limit;
}
