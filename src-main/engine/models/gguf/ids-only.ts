import type { MetadataReader } from './metadata-reader.ts';

/** Says that the file's vocabulary is made up: it was written from a model that came without a tokenizer. */
export const IDS_ONLY_KEY = 'tokenscope.ids_only';

/** `tokenizer.ggml.model` of files without a vocabulary. */
const WITHOUT_VOCABULARY: ReadonlySet<string> = new Set(['none', 'no_vocab']);

/** Whether texts cannot be turned into the model's tokens, nor tokens into text. */
export function knowsIdsOnly(reader: MetadataReader): boolean {
  return WITHOUT_VOCABULARY.has(reader.text('tokenizer.ggml.model')) || reader.flag(IDS_ONLY_KEY, false);
}
