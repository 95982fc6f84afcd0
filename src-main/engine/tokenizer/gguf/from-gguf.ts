import { EngineError } from '../../errors.ts';
import type { AddedToken } from '../added-tokens.ts';
import { byteLevelPiece, utf8Step } from '../decoder/byte-level.ts';
import { JsonTokenizer } from '../json-tokenizer.ts';
import { byteLevelBpe } from '../model/byte-level-bpe.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { Vocabulary } from '../vocabulary.ts';
import { DEFAULT_FAMILY, KNOWN_FAMILIES, preTokenizerFamily } from './pre-tokenizers.ts';

/** Strings that need not all exist at once. */
export interface StringList extends Iterable<string> {
  readonly length: number;
}

/** The `tokenizer.ggml.*` keys of a file, as far as they are there. */
export interface GgufVocabulary {
  /** `model`: the kind of tokenizer, for example `gpt2`. */
  readonly model: string;
  /** `pre`: how text is split into words. */
  readonly pre: string | null;
  readonly tokens: StringList;
  /** `token_type` per token: see TOKEN_TYPES. */
  readonly tokenTypes: ArrayLike<number> | null;
  /** `merges`: `left right`, best first. */
  readonly merges: StringList | null;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly unkTokenId: number | null;
  readonly addBos: boolean;
  readonly addEos: boolean;
}

/** `enum llama_token_type`. */
const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/**
 * The tokenizer that a GGUF file describes, with llama.cpp's behaviour.
 *
 * @param warn hears of what had to be guessed
 * @throws EngineError UNSUPPORTED_TOKENIZER for a kind of tokenizer that is not known, MODEL_FORMAT when parts are missing
 */
export function tokenizerFromGguf(file: GgufVocabulary, fileName: string, warn: (message: string) => void): Tokenizer {
  if (file.model !== 'gpt2') {
    throw new EngineError(
      'UNSUPPORTED_TOKENIZER',
      `${fileName}: its tokenizer is of the kind ${JSON.stringify(file.model)}; byte-level BPE ("gpt2") can be read.`,
      { file: fileName, model: file.model },
    );
  }
  if (!file.merges) {
    throw new EngineError(
      'MODEL_FORMAT',
      `${fileName}: tokenizer.ggml.merges is missing, which a BPE tokenizer needs.`,
      {
        file: fileName,
      },
    );
  }
  const family = preTokenizerFamily(file.pre ?? DEFAULT_FAMILY);
  if (!family) {
    warn(
      `${fileName}: tokenizer.ggml.pre is ${JSON.stringify(file.pre)}, which is not one of ${KNOWN_FAMILIES.join(', ')}. ` +
        `Text is split as for ${DEFAULT_FAMILY}, so its tokens may differ from those the model was trained on.`,
    );
  }
  const { preTokenizer, ignoreMerges } = family ?? preTokenizerFamily(DEFAULT_FAMILY)!;
  const vocabulary = Vocabulary.fromPieces(file.tokens);
  return new JsonTokenizer({
    vocabulary,
    addedTokens: addedTokens(file, vocabulary),
    normalizer: { normalize: (text) => text },
    preTokenizer,
    model: byteLevelBpe({
      vocabulary,
      merges: file.merges,
      mergeCount: file.merges.length,
      ignoreMerges,
      unkTokenId: file.unkTokenId,
    }),
    template: {
      before: file.addBos && file.bosTokenId !== null ? [file.bosTokenId] : [],
      after: file.addEos && file.eosTokenId !== null ? [file.eosTokenId] : [],
    },
    decoder: { pieceSteps: [byteLevelPiece], textSteps: [utf8Step] },
  });
}

/** Tokens that are found in a text as they stand: control tokens when asked for, user-defined ones always. */
function addedTokens({ tokenTypes }: GgufVocabulary, vocabulary: Vocabulary): AddedToken[] {
  const added: AddedToken[] = [];
  for (let id = 0; id < vocabulary.size; id++) {
    const type = tokenTypes?.[id];
    const special = type === TOKEN_TYPES.control || type === TOKEN_TYPES.unknown;
    const content = vocabulary.piece(id);
    if (content && (special || type === TOKEN_TYPES.userDefined)) added.push({ id, content, special });
  }
  return added;
}
