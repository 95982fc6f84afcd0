import type { WordToken } from './model.ts';

/**
 * Adds UTF-16 ranges of the word to tokens; a token that is part of a character covers all of it.
 * @param ids `[count]`
 * @param sizes `[count]`: UTF-8 bytes of each token
 */
export function rangesOf(word: string, ids: Int32Array, sizes: Int32Array, count: number): WordToken[] {
  const tokens: WordToken[] = [];
  let unit = 0;
  // Bytes up to the end of the character that ends at `unit`.
  let covered = 0;
  let characterStart = 0;
  let byte = 0;
  for (let i = 0; i < count; i++) {
    const start = byte < covered ? characterStart : unit;
    byte += sizes[i];
    while (covered < byte) {
      characterStart = unit;
      const codePoint = word.codePointAt(unit) ?? 0;
      unit += codePoint > 0xffff ? 2 : 1;
      covered += codePoint > 0xffff ? 4 : codePoint > 0x7ff ? 3 : codePoint > 0x7f ? 2 : 1;
    }
    tokens.push({ id: ids[i], start, end: unit });
  }
  return tokens;
}
