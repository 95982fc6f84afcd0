import type { WordToken, WordTokenizer } from './model.ts';

/** Words up to this many UTF-16 units are remembered with their tokens, at most so many at a time. */
const LONGEST = 24;
const MOST = 20_000;

/** The same with a memory for words: most words of a text have come before. */
export function remembering(tokenize: WordTokenizer): WordTokenizer {
  const known = new Map<string, readonly WordToken[]>();
  return (word) => {
    if (word.length > LONGEST) return tokenize(word);
    let tokens = known.get(word);
    if (!tokens) {
      tokens = tokenize(word);
      if (known.size === MOST) known.clear();
      known.set(word, tokens);
    }
    return tokens;
  };
}
