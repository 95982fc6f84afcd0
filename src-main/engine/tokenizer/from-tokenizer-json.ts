import { EngineError } from '../errors.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Builds a tokenizer from the parsed content of a Hugging Face `tokenizer.json`.
 *
 * @throws EngineError UNSUPPORTED_TOKENIZER when the file uses a part this engine does not know, MODEL_FORMAT when it is
 *   damaged; both name the part by its path in the file.
 */
export function tokenizerFromJson(json: unknown, fileName: string): Tokenizer {
  throw new EngineError('UNSUPPORTED_TOKENIZER', `${fileName}: no tokenizer part is known yet.`, { type: typeof json });
}
