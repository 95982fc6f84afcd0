import { GPT2_WORDS } from '../byte-level/gpt2-words.ts';
import { JsonPart } from '../json-part.ts';
import { templateFromJson, type TextEnds } from '../post-processor/template-processing.ts';
import { Vocabulary } from '../vocabulary.ts';
import { TOKEN_TYPES } from './token-attributes.ts';
import { familyOf } from './pre-tokenizers.ts';

/** The `tokenizer.ggml.*` keys of a byte-level BPE tokenizer. */
export interface GgufTokenizerKeys {
  /** Name of the pre-tokenizer. */
  readonly pre: string;
  /** `[vocabularySize]`. */
  readonly tokens: readonly string[];
  /** `[vocabularySize]`: TOKEN_TYPES. */
  readonly tokenTypes: Int32Array;
  /** `left right`, best first. */
  readonly merges: readonly string[];
  /** Token before every text; null for none. */
  readonly bosTokenId: number | null;
  /** Token after every text; null for none. */
  readonly eosTokenId: number | null;
  /** Whether text is normalised to NFC, which llama.cpp does not do. */
  readonly normalizes: boolean;
}

/**
 * The keys for a byte-level BPE `tokenizer.json` that `tokenizerFromJson` accepts.
 * @param vocabularySize rows of the model's token table: ids without a token are padded
 * @param ends tokens around a text, if another file says so
 * @throws EngineError UNSUPPORTED_TOKENIZER for what GGUF has no key for
 */
export function ggufKeysFromTokenizerJson(
  json: unknown,
  fileName: string,
  vocabularySize: number,
  ends: TextEnds = {},
): GgufTokenizerKeys {
  const file = new JsonPart(json, fileName);
  const model = file.get('model');
  if (model.get('type').string() !== 'BPE') throw model.get('type').unsupported('other than "BPE"');
  const vocabulary = new Vocabulary();
  vocabulary.addAll(model.get('vocab'));
  const types = new Int32Array(vocabularySize).fill(TOKEN_TYPES.normal);
  const added = file.get('added_tokens');
  for (const token of added.isNull ? [] : added.items()) {
    const id = vocabulary.add(token.get('content').string(), token.get('id'));
    types[id] = token.get('special').boolean() ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
  }
  const tokens = Array.from({ length: vocabularySize }, (_, id) => {
    const piece = vocabulary.piece(id);
    if (piece === undefined) types[id] = TOKEN_TYPES.unused;
    return piece ?? `[PAD${id}]`;
  });
  const { before, after } = templateFromJson(file.get('post_processor'), vocabulary, ends);
  if (before.length > 1 || after.length > 1) {
    throw file.get('post_processor').unsupported('with several tokens around a text');
  }
  return {
    pre: familyName(file),
    tokens,
    tokenTypes: types,
    merges: model.get('merges').items().map(mergeText),
    bosTokenId: before[0] ?? null,
    eosTokenId: after[0] ?? null,
    normalizes: !file.get('normalizer').isNull,
  };
}

function mergeText(merge: JsonPart): string {
  return merge.isList
    ? merge
        .items()
        .map((item) => item.string())
        .join(' ')
    : merge.string();
}

/** llama.cpp's name for the file's pre-tokenizer. */
function familyName(file: JsonPart): string {
  const ignore = file.get('model').get('ignore_merges');
  const preTokenizer = file.get('pre_tokenizer');
  const name = familyOf(expressionsOf(preTokenizer), !ignore.isNull && ignore.boolean());
  if (name === undefined) throw preTokenizer.unsupported('a way of splitting that GGUF has no name for');
  return name;
}

function expressionsOf(part: JsonPart): string[] {
  switch (part.get('type').string()) {
    case 'Sequence':
      return part.get('pretokenizers').items().flatMap(expressionsOf);
    case 'Digits':
      return [part.get('individual_digits').boolean() ? '\\p{N}' : '\\p{N}+'];
    case 'ByteLevel': {
      const useRegex = part.get('use_regex');
      return useRegex.isNull || useRegex.boolean() ? [GPT2_WORDS] : [];
    }
    case 'Split': {
      const regex = part.get('pattern').get('Regex');
      const isolated = part.get('behavior').string() === 'Isolated' && !part.get('invert').boolean();
      if (regex.isNull || !isolated) throw part.unsupported('a way of splitting that GGUF has no name for');
      return [regex.string()];
    }
    default:
      throw part.get('type').unsupported(`"${part.get('type').string()}"`);
  }
}
