import { EngineError } from '../../api/errors.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { Vocabulary } from '../vocabulary.ts';
import { ggufBpe } from './bpe.ts';
import { CharacterMap } from './character-map.ts';
import { GgufTokenizer, type GgufTokenizerParts, type SpecialSpacing } from './gguf-tokenizer.ts';
import type { Utf8Strings } from './model.ts';
import { DEFAULT_FAMILY, KNOWN_FAMILIES, preTokenizerFamily, type PreTokenizerFamily } from './pre-tokenizers.ts';
import { sentencePiece } from './sentencepiece.ts';
import { ATTRIBUTE, tokenAttributes, type NamedTokens, type TokenAttributes } from './token-attributes.ts';
import { unigram } from './unigram.ts';
import { wordPiece } from './wordpiece.ts';

/** The `tokenizer.ggml.*` keys of a file; null for absent ones. */
export interface GgufVocabulary {
  /** `model`: the kind of tokenizer, for example `gpt2`. */
  readonly model: string;
  /** `pre`: the pre-tokenizer, which splits text into words. */
  readonly pre: string | null;
  readonly tokens: Utf8Strings;
  /** `token_type` per token: see TOKEN_TYPES. */
  readonly tokenTypes: ArrayLike<number> | null;
  /** `merges`: `left right`, best first. BPE needs them. */
  readonly merges: Utf8Strings | null;
  /** `scores` per token. SentencePiece and unigram need them. */
  readonly scores: ArrayLike<number> | null;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly unkTokenId: number | null;
  readonly separatorTokenId: number | null;
  /** Other special tokens that the file names; some end a reply. */
  readonly named: Omit<NamedTokens, 'eos'>;
  readonly addBos: boolean | null;
  readonly addEos: boolean | null;
  /** `add_space_prefix`: whether texts are given a leading space. */
  readonly addSpacePrefix: boolean | null;
  /** `remove_extra_whitespaces`, for unigram. */
  readonly removeExtraSpaces: boolean | null;
  /** `precompiled_charsmap`, for unigram. */
  readonly characterMap: Uint8Array | null;
  /** `normalizer.lowercase` and `normalizer.strip_accents`, for WordPiece. */
  readonly lowercase: boolean | null;
  readonly stripAccents: boolean | null;
  /** `general.name`: llama.cpp uses it to recognise Phi-3, whose special tokens include the space after them. */
  readonly modelName: string | null;
}

export interface GgufTokenizerFacts {
  readonly tokenizer: Tokenizer;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** End-of-generation tokens, ascending. */
  readonly endIds: readonly number[];
}

/** A file with what all kinds of tokenizer derive from it. */
interface Source {
  readonly file: GgufVocabulary;
  readonly fileName: string;
  readonly vocabulary: Vocabulary;
  readonly attributes: TokenAttributes;
}

type KindParts = Pick<GgufTokenizerParts, 'model' | 'unkTokenId' | 'writing' | 'addSpacePrefix' | 'before' | 'after'>;

/** `tokenizer.ggml.model` of byte-pair encoders; Gemma 4 has its own name. */
const BPE_MODELS: ReadonlySet<string> = new Set(['gpt2', 'gemma4']);

/**
 * The tokenizer described by a GGUF file, with llama.cpp's behaviour.
 *
 * @param warn called with what had to be guessed
 * @throws EngineError UNSUPPORTED_TOKENIZER for an unknown kind of tokenizer, MODEL_FORMAT when parts are missing
 */
export function tokenizerFromGguf(
  file: GgufVocabulary,
  fileName: string,
  warn: (message: string) => void,
): GgufTokenizerFacts {
  const own = Object.hasOwn(KINDS, file.model) ? KINDS[file.model] : undefined;
  const build = BPE_MODELS.has(file.model) ? bpeParts : own;
  if (!build) throw unknownKind(file.model, fileName);
  const vocabulary = vocabularyOf(file.tokens);
  const attributes = tokenAttributes(vocabulary, file.tokenTypes, { ...file.named, eos: eosOf(file) });
  const source = { file, fileName, vocabulary, attributes };
  const kind = build(source, warn);
  const spacing = spacingOf(source);
  const tokenizer = new GgufTokenizer({
    vocabulary,
    attributes: attributes.bits,
    ...kind,
    ...(spacing && { spacing }),
  });
  const bosTokenId = idOr(file.bosTokenId, file, 'bos');
  return { tokenizer, bosTokenId, eosTokenId: eosOf(file), endIds: attributes.endIds };
}

/** The pieces. As in llama.cpp, one ends at a zero byte, and a token without text is named by its id. */
function vocabularyOf({ blob, offsets, length }: Utf8Strings): Vocabulary {
  let asTheyStand = !blob.includes(0);
  for (let id = 0; id < length && asTheyStand; id++) asTheyStand = offsets[id] < offsets[id + 1];
  if (asTheyStand) return Vocabulary.fromUtf8(blob, offsets);
  const text = new TextDecoder('utf-8', { ignoreBOM: true });
  return Vocabulary.fromPieces(
    Array.from({ length }, (_, id) => {
      const [piece] = text.decode(blob.subarray(offsets[id], offsets[id + 1])).split('\0');
      return piece || `[EMPTY_${id}]`;
    }),
  );
}

/** llama.cpp's default ids for each kind. */
const DEFAULT_IDS: Readonly<Record<string, Partial<Record<'bos' | 'eos' | 'unk' | 'separator', number>>>> = {
  llama: { bos: 1, eos: 2, unk: 0 },
  bert: { bos: 101, unk: 100, separator: 102 },
  t5: { eos: 1, unk: 2 },
};

function idOr(named: number | null, { model, tokens }: GgufVocabulary, use: 'bos' | 'eos' | 'unk' | 'separator') {
  const id = named ?? DEFAULT_IDS[model]?.[use] ?? null;
  return id !== null && id < tokens.length ? id : null;
}

const eosOf = (file: GgufVocabulary) => idOr(file.eosTokenId, file, 'eos');
const one = (wanted: boolean, id: number | null): number[] => (wanted && id !== null ? [id] : []);

const KINDS: Readonly<Record<string, (source: Source) => KindParts>> = {
  llama: ({ file, vocabulary, fileName }) => {
    const addSpacePrefix = file.addSpacePrefix ?? true;
    const unkTokenId = idOr(file.unkTokenId, file, 'unk');
    if (!file.scores) throw missing(fileName, 'tokenizer.ggml.scores', 'a SentencePiece tokenizer');
    return {
      model: sentencePiece({ vocabulary, scores: file.scores, unkTokenId, addSpacePrefix }),
      unkTokenId,
      writing: 'text',
      addSpacePrefix,
      before: one(file.addBos ?? true, idOr(file.bosTokenId, file, 'bos')),
      after: one(file.addEos ?? false, eosOf(file)),
    };
  },
  bert: ({ file, vocabulary }) => {
    const lowercase = file.lowercase ?? true;
    const unkTokenId = idOr(file.unkTokenId, file, 'unk');
    return {
      model: wordPiece({ vocabulary, unkTokenId, lowercase, stripAccents: file.stripAccents ?? lowercase }),
      unkTokenId,
      writing: 'text',
      addSpacePrefix: file.addSpacePrefix ?? false,
      // Whatever add_bos_token says.
      before: one(true, idOr(file.bosTokenId, file, 'bos')),
      after: one(true, idOr(file.separatorTokenId, file, 'separator')),
    };
  },
  t5: ({ file, vocabulary, attributes, fileName }) => {
    const addSpacePrefix = file.addSpacePrefix ?? false;
    const unkTokenId = idOr(file.unkTokenId, file, 'unk');
    if (!file.scores) throw missing(fileName, 'tokenizer.ggml.scores', 'a unigram tokenizer');
    return {
      model: unigram({
        vocabulary,
        scores: Float32Array.from(file.scores),
        attributes: attributes.bits,
        unkTokenId,
        addSpacePrefix,
        removeExtraSpaces: file.removeExtraSpaces ?? false,
        characterMap: file.characterMap && new CharacterMap(file.characterMap, fileName),
      }),
      unkTokenId,
      writing: 'text',
      addSpacePrefix,
      before: one(file.addBos ?? false, file.bosTokenId),
      after: one(file.addEos ?? true, eosOf(file)),
    };
  },
};

function bpeParts({ file, vocabulary, fileName }: Source, warn: (message: string) => void): KindParts {
  const { pre } = file;
  const family = bpeFamily(file.model === 'gemma4' ? 'gemma4' : pre, fileName, warn);
  const merges =
    file.merges ?? (pre === 'kimi-k2' ? { length: 0, blob: new Uint8Array(0), offsets: new Uint32Array(1) } : null);
  if (!merges) throw missing(fileName, 'tokenizer.ggml.merges', 'a BPE tokenizer');
  const addBos = family.addBos === 'always' || (file.addBos ?? family.addBos);
  return {
    model: ggufBpe({ vocabulary, merges, family }),
    // Bytes without a piece are dropped, whatever token the file names: often one with another use.
    unkTokenId: null,
    writing: family.plainText ? 'text' : 'bytes',
    addSpacePrefix: file.addSpacePrefix ?? false,
    before: one(addBos, file.bosTokenId),
    after: one(file.addEos ?? false, file.eosTokenId),
  };
}

function bpeFamily(pre: string | null, fileName: string, warn: (message: string) => void): PreTokenizerFamily {
  const family = pre === null ? undefined : preTokenizerFamily(pre);
  if (family) return family;
  const problem =
    pre === null
      ? 'is missing'
      : `is ${JSON.stringify(pre.slice(0, 100))}, which is not one of ${KNOWN_FAMILIES.join(', ')}`;
  warn(
    `${fileName}: tokenizer.ggml.pre ${problem}. Text is split as for "${DEFAULT_FAMILY}", so its tokens may differ from ` +
      'those the model was trained on.',
  );
  return preTokenizerFamily(DEFAULT_FAMILY)!;
}

/** Which special tokens include adjacent white space; llama.cpp derives it from the model's name and pre-tokenizer. */
function spacingOf({ file, vocabulary, attributes }: Source): SpecialSpacing | undefined {
  const id = (text: string) => vocabulary.id(text);
  const beforeOnly = (token: number | undefined) => ({
    before: (other: number) => other === token,
    after: () => false,
  });
  if (/jina-v2-(de|es|code)/.test(file.pre ?? '')) return beforeOnly(id('<mask>'));
  if (/modern-bert/i.test(file.modelName ?? '')) return beforeOnly(id('[MASK]'));
  if (!/phi-?3/i.test(file.modelName ?? '')) return undefined;
  const exceptions = new Set(['<unk>', '<s>', '<|endoftext|>'].map(id));
  const special = ATTRIBUTE.control | ATTRIBUTE.unknown | ATTRIBUTE.userDefined;
  return {
    before: () => false,
    after: (token) => (attributes.bits[token] & special) !== 0 && !exceptions.has(token),
  };
}

function unknownKind(model: string, fileName: string): EngineError {
  return new EngineError(
    'UNSUPPORTED_TOKENIZER',
    `${fileName}: unknown tokenizer type ${JSON.stringify(model.slice(0, 100))}. Supported: byte-level BPE ("gpt2"), ` +
      'SentencePiece BPE ("llama"), WordPiece ("bert"), unigram ("t5") and Gemma 4\'s ("gemma4").',
    { file: fileName, model },
  );
}

function missing(fileName: string, key: string, what: string): EngineError {
  return new EngineError('MODEL_FORMAT', `${fileName}: ${key} is missing, which ${what} needs.`, {
    file: fileName,
    key,
  });
}
