import type { JsonPart } from '../json-part.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { TokenModel } from './model.ts';
import { wordPieceModel } from './wordpiece.ts';

const MODELS: Record<string, (part: JsonPart, vocabulary: Vocabulary) => TokenModel> = { WordPiece: wordPieceModel };

/** The `model` of a tokenizer file. Adds its vocabulary to `vocabulary`. */
export function modelFromJson(part: JsonPart, vocabulary: Vocabulary): TokenModel {
  const model = part.get('type').choose(MODELS);
  vocabulary.addAll(part.get('vocab'));
  return model(part, vocabulary);
}
