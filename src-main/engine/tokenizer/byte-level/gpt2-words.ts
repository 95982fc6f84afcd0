/**
 * GPT-2's words: contractions, and runs of letters, digits or other characters, each with an optional space before; and
 * white space.
 */
export const GPT2_WORDS = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`;
