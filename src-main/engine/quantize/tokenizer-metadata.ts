import type { TypedValue } from '../formats/gguf/writer.ts';
import { ggufKeysFromTokenizerJson } from '../tokenizer/gguf/to-gguf.ts';
import { IDS_ONLY_KEY } from '../models/gguf/read-tokenizer.ts';
import { type HfFolder, TOKENIZER_FILE } from '../models/huggingface/open-folder.ts';

/** The `tokenizer.*` keys for a Hugging Face folder, and what they cannot express. */
export function describeTokenizer(
  folder: HfFolder,
  chatTemplate: string | null,
): { metadata: ReadonlyMap<string, TypedValue>; warnings: readonly string[] } {
  const metadata = new Map<string, TypedValue>();
  const set = (key: string, value: TypedValue) => metadata.set(`tokenizer.${key}`, value);
  const id = (name: string, value: number | null | undefined) => {
    if (value !== null && value !== undefined) set(`ggml.${name}_token_id`, { type: 'uint32', value });
  };
  let ends = folder.eosTokenIds;
  const warnings: string[] = [];
  if (folder.tokenizerJson === null) {
    // llama.cpp cannot open a file without a vocabulary. This one names tokens by their ids; a key of ours keeps us from
    // tokenizing text with it.
    const { vocabularySize } = folder.hyperparameters;
    metadata.set(IDS_ONLY_KEY, { type: 'bool', value: true });
    set('ggml.model', { type: 'string', value: 'gpt2' });
    set('ggml.pre', { type: 'string', value: 'gpt-2' });
    set('ggml.tokens', { type: 'array', value: Array.from({ length: vocabularySize }, (_, token) => `[${token}]`) });
    set('ggml.merges', { type: 'array', value: [] });
    set('ggml.add_bos_token', { type: 'bool', value: false });
    id('bos', folder.bosTokenId);
    warnings.push(`The folder has no ${TOKENIZER_FILE}: the new file will work with token ids only, not text.`);
  } else {
    const { vocabularySize } = folder.hyperparameters;
    const keys = ggufKeysFromTokenizerJson(folder.tokenizerJson, TOKENIZER_FILE, vocabularySize, folder.textEnds);
    const idOf = (piece: string) => {
      const found = piece === '' ? -1 : keys.tokens.indexOf(piece);
      return found === -1 ? null : found;
    };
    set('ggml.model', { type: 'string', value: 'gpt2' });
    set('ggml.pre', { type: 'string', value: keys.pre });
    set('ggml.tokens', { type: 'array', value: keys.tokens });
    set('ggml.token_type', { type: 'array', value: keys.tokenTypes });
    set('ggml.merges', { type: 'array', value: keys.merges });
    // The chat template may write BOS even if other texts do not begin with it.
    id('bos', keys.bosTokenId ?? idOf(folder.chat.bosToken));
    set('ggml.add_bos_token', { type: 'bool', value: keys.bosTokenId !== null });
    set('ggml.add_eos_token', { type: 'bool', value: keys.eosTokenId !== null });
    // The first is also `eos_token` of the chat template.
    const eos = idOf(folder.chat.eosToken);
    if (eos !== null) ends = [eos, ...ends.filter((end) => end !== eos)];
    if (keys.normalizes) {
      warnings.push(
        'GGUF has no key for text normalisation: text that is not in NFC form may be tokenized differently.',
      );
    }
  }
  id('eos', ends[0]);
  // Two more keys for end-of-generation tokens.
  id('eot', ends[1]);
  id('eom', ends[2]);
  if (chatTemplate !== null) set('chat_template', { type: 'string', value: chatTemplate });
  return { metadata, warnings };
}
