import type { VocabularyText } from '../sampling/dry-breakers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

const known = new WeakMap<Tokenizer, VocabularyText>();

/** The vocabulary's texts for samplers, decoded once per tokenizer on first use. */
export function vocabularyText(tokenizer: Tokenizer, size: number): VocabularyText {
  const already = known.get(tokenizer);
  if (already?.size === size) return already;
  const texts: string[] = [];
  const text = (id: number): string => (texts[id] ??= tokenizer.decode([id], false));
  const vocabulary = { size, text, encode: (plain: string) => tokenizer.encode(plain, { addSpecial: false }) };
  known.set(tokenizer, vocabulary);
  return vocabulary;
}
