import type { JsonPart } from '../json-part.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { TokenModel, WordToken } from './model.ts';

/**
 * WordPiece: the longest piece of the vocabulary that the word begins with, then the longest that what is left begins
 * with, and so on; pieces inside a word carry a prefix (`##`). A word with a part that no piece covers, or with too many
 * characters, is one unknown token. (Schuster and Nakajima, 2012; Hugging Face `models/wordpiece`.)
 */
export function wordPieceModel(part: JsonPart, vocabulary: Vocabulary): TokenModel {
  const unkPart = part.get('unk_token');
  const unkTokenId = vocabulary.id(unkPart.string());
  if (unkTokenId === undefined) throw unkPart.malformed(`"${unkPart.string()}" is not in the vocabulary`);
  const prefix = part.get('continuing_subword_prefix').string();
  const maxChars = part.get('max_input_chars_per_word').count(2 ** 31);

  function longestPiece(word: string, start: number): WordToken | null {
    const before = start === 0 ? '' : prefix;
    for (let end = Math.min(word.length, start + vocabulary.longestPiece); end > start; end--) {
      const id = vocabulary.id(before + word.slice(start, end));
      if (id !== undefined) return { id, start, end };
    }
    return null;
  }

  return {
    unkTokenId,
    tokenize(word) {
      const unknown = [{ id: unkTokenId, start: 0, end: word.length }];
      if (hasMoreCodePoints(word, maxChars)) return unknown;
      const tokens: WordToken[] = [];
      for (let start = 0; start < word.length;) {
        const token = longestPiece(word, start);
        if (!token) return unknown;
        tokens.push(token);
        start = token.end;
      }
      return tokens;
    },
  };
}

/** Whether `text` has more than `limit` code points, without counting a long text to its end. */
function hasMoreCodePoints(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  if (text.length > 2 * limit) return true;
  return [...text].length > limit;
}
