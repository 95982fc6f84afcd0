import type { WordToken, WordTokenizer } from './model.ts';

/** Maximum length of cached words in UTF-16 units, and maximum number of them. */
const LONGEST = 24;
const MOST = 20_000;

/** Caches the tokens of words: most words of a text are repeated. */
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
