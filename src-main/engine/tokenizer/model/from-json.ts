import type { JsonPart } from '../json-part.ts';
import type { PreTokenizer } from '../pre-tokenizer/pre-tokenizer.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { byteLevelBpeFromJson } from './bpe-from-json.ts';
import type { TokenModel } from './model.ts';
import { wordPieceModel } from './wordpiece.ts';

interface ModelRow {
  /** Whether it reads words as bytes, which the pre-tokenizer must agree with. */
  readonly bytes: boolean;
  build(part: JsonPart, vocabulary: Vocabulary): TokenModel;
}

const MODELS: Record<string, ModelRow> = {
  WordPiece: { bytes: false, build: wordPieceModel },
  BPE: { bytes: true, build: byteLevelBpeFromJson },
};

/** The `model` of a tokenizer file. Adds its vocabulary to `vocabulary`. */
export function modelFromJson(part: JsonPart, vocabulary: Vocabulary, { toBytes = false }: PreTokenizer): TokenModel {
  const type = part.get('type');
  const model = type.choose(MODELS);
  if (model.bytes !== toBytes) {
    throw type.unsupported(`"${type.string()}" ${toBytes ? 'with' : 'without'} a ByteLevel pre_tokenizer`);
  }
  vocabulary.addAll(part.get('vocab'));
  return model.build(part, vocabulary);
}
