import { EngineError } from '../../errors.ts';
import type { AddedToken } from '../added-tokens.ts';
import { byteLevelPiece, utf8Step } from '../decoder/byte-level.ts';
import { JsonTokenizer, type TokenizerParts } from '../json-tokenizer.ts';
import { byteLevelBpe } from '../model/byte-level-bpe.ts';
import { spm } from '../model/spm.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { Vocabulary } from '../vocabulary.ts';
import { endsGeneration } from './end-of-generation.ts';
import { DEFAULT_FAMILY, KNOWN_FAMILIES, preTokenizerFamily } from './pre-tokenizers.ts';
import { sentencePieceDecoder, sentencePieceNormalizer, WHOLE_TEXT } from './sentencepiece.ts';

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
  /** `merges`: `left right`, best first. Byte-level BPE needs them. */
  readonly merges: StringList | null;
  /** `scores` per token. SentencePiece needs them. */
  readonly scores: ArrayLike<number> | null;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly unkTokenId: number | null;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** `add_space_prefix`: SentencePiece texts begin with a space of their own. */
  readonly addSpacePrefix: boolean;
}

/** `enum llama_token_type`. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/**
 * The tokenizer that a GGUF file describes, with llama.cpp's behaviour.
 *
 * @param warn hears of what had to be guessed
 * @throws EngineError UNSUPPORTED_TOKENIZER for a kind of tokenizer that is not known, MODEL_FORMAT when parts are missing
 */
export function tokenizerFromGguf(file: GgufVocabulary, fileName: string, warn: (message: string) => void): Tokenizer {
  const vocabulary = Vocabulary.fromPieces(file.tokens);
  const common = {
    vocabulary,
    addedTokens: addedTokens(file, vocabulary),
    template: {
      before: file.addBos && file.bosTokenId !== null ? [file.bosTokenId] : [],
      after: file.addEos && file.eosTokenId !== null ? [file.eosTokenId] : [],
    },
  };
  switch (file.model) {
    case 'gpt2':
      return new JsonTokenizer({ ...common, ...byteLevelParts(file, vocabulary, fileName, warn) });
    case 'llama':
      return new JsonTokenizer({ ...common, ...sentencePieceParts(file, vocabulary, common.addedTokens, fileName) });
    default:
      throw new EngineError(
        'UNSUPPORTED_TOKENIZER',
        `${fileName}: its tokenizer is of the kind ${JSON.stringify(file.model.slice(0, 100))}; byte-level BPE ("gpt2") and ` +
          'SentencePiece BPE ("llama") can be read.',
        { file: fileName, model: file.model },
      );
  }
}

type ModelParts = Pick<TokenizerParts, 'normalizer' | 'preTokenizer' | 'model' | 'decoder'>;

function byteLevelParts(
  file: GgufVocabulary,
  vocabulary: Vocabulary,
  fileName: string,
  warn: (message: string) => void,
): ModelParts {
  if (!file.merges) throw missing(fileName, 'tokenizer.ggml.merges', 'a BPE tokenizer');
  const family = preTokenizerFamily(file.pre ?? DEFAULT_FAMILY);
  if (!family) {
    warn(
      `${fileName}: tokenizer.ggml.pre is ${JSON.stringify(file.pre?.slice(0, 100))}, which is not one of ${KNOWN_FAMILIES.join(', ')}. ` +
        `Text is split as for ${DEFAULT_FAMILY}, so its tokens may differ from those the model was trained on.`,
    );
  }
  const { preTokenizer, ignoreMerges } = family ?? preTokenizerFamily(DEFAULT_FAMILY)!;
  return {
    normalizer: { normalize: (text) => text },
    preTokenizer,
    model: byteLevelBpe({
      vocabulary,
      merges: file.merges,
      mergeCount: file.merges.length,
      ignoreMerges,
      unkTokenId: file.unkTokenId,
    }),
    decoder: { pieceSteps: [byteLevelPiece], textSteps: [utf8Step], joinsBytes: true },
  };
}

function sentencePieceParts(
  file: GgufVocabulary,
  vocabulary: Vocabulary,
  added: readonly AddedToken[],
  fileName: string,
): ModelParts {
  if (!file.scores) throw missing(fileName, 'tokenizer.ggml.scores', 'a SentencePiece tokenizer');
  return {
    normalizer: sentencePieceNormalizer(file.addSpacePrefix),
    preTokenizer: WHOLE_TEXT,
    model: spm({ vocabulary, scores: file.scores, unkTokenId: file.unkTokenId }),
    decoder: sentencePieceDecoder(file.addSpacePrefix, added),
  };
}

function missing(fileName: string, key: string, what: string): EngineError {
  return new EngineError('MODEL_FORMAT', `${fileName}: ${key} is missing, which ${what} needs.`, {
    file: fileName,
    key,
  });
}

/** Tokens that are found in a text as they stand: control tokens when asked for, user-defined ones always. */
function addedTokens({ tokenTypes }: GgufVocabulary, vocabulary: Vocabulary): AddedToken[] {
  const added: AddedToken[] = [];
  for (let id = 0; id < vocabulary.size; id++) {
    const type = tokenTypes?.[id];
    const content = vocabulary.piece(id);
    const ends = content !== undefined && endsGeneration(content);
    const special = type === TOKEN_TYPES.control || type === TOKEN_TYPES.unknown || ends;
    if (content && (special || type === TOKEN_TYPES.userDefined)) added.push({ id, content, special });
  }
  return added;
}
