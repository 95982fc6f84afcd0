import { tokenizerFromGguf, type GgufTokenizerFacts } from '../../tokenizer/gguf/from-gguf.ts';
import { IdsOnlyTokenizer } from '../../tokenizer/ids-only-tokenizer.ts';
import { ggufArchitecture } from '../architectures/index.ts';
import type { MetadataReader } from './metadata-reader.ts';

/** Marks a placeholder vocabulary: the file was written from a model without a tokenizer. */
export const IDS_ONLY_KEY = 'tokenscope.ids_only';

/** `tokenizer.ggml.model` of files without a vocabulary. */
const WITHOUT_VOCABULARY: ReadonlySet<string> = new Set(['none', 'no_vocab']);

/**
 * The tokenizer of a GGUF file; one for token ids only if the file has no vocabulary.
 * @param onWarning called with what had to be guessed or ignored
 * @throws EngineError MODEL_FORMAT, UNSUPPORTED_TOKENIZER
 */
export function readTokenizer(reader: MetadataReader, onWarning: (message: string) => void): GgufTokenizerFacts {
  const idsOnly = WITHOUT_VOCABULARY.has(reader.text('tokenizer.ggml.model')) || reader.flag(IDS_ONLY_KEY, false);
  return idsOnly ? idsOnlyTokenizer(reader, onWarning) : vocabularyTokenizer(reader, onWarning);
}

function vocabularyTokenizer(reader: MetadataReader, onWarning: (message: string) => void): GgufTokenizerFacts {
  const key = (name: string) => `tokenizer.ggml.${name}`;
  const tokens = reader.strings(key('tokens'));
  if (tokens.length === 0) throw reader.bad(key('tokens'), tokens, 'a list with at least one token');
  const id = (...names: string[]) =>
    names
      .map((name) => reader.optionalId(key(`${name}_token_id`), tokens.length, onWarning))
      .find((found) => found !== null) ?? null;
  const flag = (name: string) => (reader.has(key(name)) ? reader.flag(key(name), false) : null);
  const vocabulary = {
    model: reader.text(key('model')),
    pre: reader.optionalText(key('pre')),
    tokens,
    tokenTypes: reader.optionalNumberList(key('token_type'), tokens.length),
    merges: reader.optionalStrings(key('merges')),
    scores: reader.optionalNumberList(key('scores'), tokens.length),
    bosTokenId: id('bos'),
    eosTokenId: id('eos'),
    // GGUF spells it out, too.
    unkTokenId: id('unknown', 'unk'),
    // GGUF's own spelling.
    separatorTokenId: id('seperator', 'separator'),
    named: {
      eot: id('eot'),
      eom: id('eom'),
      fillIn: {
        prefix: id('fim_pre', 'prefix'),
        suffix: id('fim_suf', 'suffix'),
        middle: id('fim_mid', 'middle'),
        pad: id('fim_pad'),
        repository: id('fim_rep'),
        separator: id('fim_sep'),
      },
    },
    addBos: flag('add_bos_token'),
    addEos: flag('add_eos_token'),
    addSpacePrefix: flag('add_space_prefix'),
    removeExtraSpaces: flag('remove_extra_whitespaces'),
    characterMap: reader.optionalBytes(key('precompiled_charsmap')),
    lowercase: flag('normalizer.lowercase'),
    stripAccents: flag('normalizer.strip_accents'),
    modelName: reader.optionalText('general.name'),
  };
  return tokenizerFromGguf(vocabulary, reader.fileName, onWarning);
}

const MAX_VOCABULARY = 2 ** 22;

/** A tokenizer for a file without a vocabulary: ids without text. */
function idsOnlyTokenizer(reader: MetadataReader, onWarning: (message: string) => void): GgufTokenizerFacts {
  const size = reader.integer(`${ggufArchitecture(reader).name}.vocab_size`, 1, MAX_VOCABULARY);
  const id = (name: string) => reader.optionalId(`tokenizer.ggml.${name}_token_id`, size, onWarning);
  const eosTokenId = id('eos');
  const ends = [eosTokenId, id('eot'), id('eom')].filter((end) => end !== null);
  return {
    tokenizer: new IdsOnlyTokenizer(size, `vocabulary in ${reader.fileName}`),
    bosTokenId: id('bos'),
    eosTokenId,
    endIds: [...new Set(ends)],
  };
}
