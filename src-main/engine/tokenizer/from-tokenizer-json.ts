import { addedTokensFromJson } from './added-tokens.ts';
import { decoderFromJson } from './decoder/from-json.ts';
import { JsonPart } from './json-part.ts';
import { JsonTokenizer } from './json-tokenizer.ts';
import { modelFromJson } from './model/from-json.ts';
import { normalizerFromJson } from './normalizer/from-json.ts';
import { templateFromJson, type TextEnds } from './post-processor/template-processing.ts';
import { preTokenizerFromJson } from './pre-tokenizer/from-json.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Builds a tokenizer from the content of a Hugging Face `tokenizer.json`, parsed by parseTokenizerJson or JSON.parse. Its
 * `truncation` and `padding` are ignored: they are for training batches, not for prompts.
 *
 * @param tableRows rows of the model's token table: added tokens without one are left out, as by llama.cpp's converter
 * @param ends tokens around a text, if another file says so
 * @throws EngineError UNSUPPORTED_TOKENIZER when the file uses an unsupported part, MODEL_FORMAT when it is damaged; both
 * name
 *   the file and the path of the part.
 */
export function tokenizerFromJson(
  json: unknown,
  fileName: string,
  tableRows = Infinity,
  ends: TextEnds = {},
): Tokenizer {
  const file = new JsonPart(json, fileName);
  const model = modelFromJson(file.get('model'));
  const { vocabulary } = model;
  const preTokenizer = preTokenizerFromJson(file.get('pre_tokenizer'), model.readsBytes);
  const tokenModel = model.build(preTokenizer.toBytes ?? false);
  const addedTokens = addedTokensFromJson(file.get('added_tokens'), vocabulary, tableRows);
  return new JsonTokenizer({
    vocabulary,
    addedTokens,
    model: tokenModel,
    normalizer: normalizerFromJson(file.get('normalizer')),
    preTokenizer,
    template: templateFromJson(file.get('post_processor'), vocabulary, ends),
    decoder: decoderFromJson(file.get('decoder')),
  });
}
