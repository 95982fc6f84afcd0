/** GPT-2's words: contractions, letters, digits, other characters, each with one space before it; and the other spaces. */
export const GPT2_WORDS = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`;
