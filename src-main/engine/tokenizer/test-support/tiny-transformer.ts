import { readFileSync } from 'node:fs';
import { tokenizerFromJson } from '../from-tokenizer-json.ts';

/** A fresh copy of the built-in model's `tokenizer.json`, for tests that change parts of it. */
export function tinyTransformerJson(): Record<string, unknown> & { model: { vocab: Record<string, number> } } {
  const file = new URL('../../../../resources/models/tiny-transformer/tokenizer.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

export const tinyTransformer = tokenizerFromJson(tinyTransformerJson(), 'tokenizer.json');
