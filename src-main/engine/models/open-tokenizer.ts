import { readGguf } from '../formats/gguf/gguf-file.ts';
import { isHfFolder } from '../api/model-file-rules.ts';
import type { ModelFiles } from '../api/platform.ts';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import { IdsOnlyTokenizer } from '../tokenizer/ids-only-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { MAX_ID } from '../tokenizer/vocabulary.ts';
import { readTextEnds } from './chat-template.ts';
import { partNames } from './gguf/gguf-parts.ts';
import { MetadataReader } from './gguf/metadata-reader.ts';
import { readTokenizer } from './gguf/read-tokenizer.ts';
import { MAX_TOKENIZER_BYTES, TOKENIZER_FILE } from './huggingface/open-folder.ts';
import { readTokenizerJson } from './json-file.ts';

/**
 * Opens only the tokenizer, from a model or a tokenizer file: a GGUF file of any architecture, with or without weights,
 * or a folder with `tokenizer.json`.
 * @param onWarning called with what had to be guessed
 * @throws EngineError MODEL_NOT_FOUND, MODEL_FORMAT, UNSUPPORTED_TOKENIZER, MODEL_IO
 */
export async function openTokenizer(files: ModelFiles, onWarning: (message: string) => void): Promise<Tokenizer> {
  const isFolder = isHfFolder(files.names);
  if (isFolder && !files.names.includes(TOKENIZER_FILE)) return new IdsOnlyTokenizer(MAX_ID + 1, TOKENIZER_FILE);
  const source = await files.open(isFolder ? TOKENIZER_FILE : partNames(files)[0]);
  try {
    if (isFolder) {
      const json = await readTokenizerJson(source, MAX_TOKENIZER_BYTES);
      return tokenizerFromJson(json, source.name, Infinity, await readTextEnds(files));
    }
    const reader = new MetadataReader((await readGguf(source)).metadata, source.name);
    return readTokenizer(reader, onWarning).tokenizer;
  } finally {
    await source.close?.();
  }
}
