import type { JsonPart } from '../json-part.ts';
import { MAX_ID, Vocabulary } from '../vocabulary.ts';
import { bpeFromJson, isByteLevel } from './bpe-from-json.ts';
import { CharTrie } from './char-trie.ts';
import type { TokenModel } from './model.ts';
import { unigram } from './unigram.ts';
import { wordLevel } from './word-level.ts';
import { wordPiece } from './wordpiece.ts';

interface ModelRow {
  /** The model's pieces. */
  pieces(vocab: JsonPart): Vocabulary;
  /** Whether it can read words as bytes. */
  readsBytes(part: JsonPart, vocabulary: Vocabulary): boolean;
  /** @param bytes whether words come as bytes */
  build(part: JsonPart, vocabulary: Vocabulary, bytes: boolean): TokenModel;
}

const readsText = () => false;

const MODELS: Record<string, ModelRow> = {
  BPE: { pieces: piecesOfRecord, readsBytes: isByteLevel, build: bpeFromJson },
  Unigram: { pieces: scoredPieces, readsBytes: readsText, build: unigramFromJson },
  WordLevel: { pieces: piecesOfRecord, readsBytes: readsText, build: wordLevelFromJson },
  WordPiece: { pieces: piecesOfRecord, readsBytes: readsText, build: wordPieceFromJson },
};

/**
 * The `model` of a tokenizer file, created in two steps: the pre-tokenizer depends on whether it reads words as bytes.
 */
export interface ModelFromJson {
  readonly vocabulary: Vocabulary;
  readonly readsBytes: boolean;
  build(bytes: boolean): TokenModel;
}

export function modelFromJson(part: JsonPart): ModelFromJson {
  const type = part.get('type');
  const model = type.isNull ? MODELS[guessType(part)] : type.choose(MODELS);
  const vocabulary = model.pieces(part.get('vocab'));
  return {
    vocabulary,
    readsBytes: model.readsBytes(part, vocabulary),
    build: (bytes) => model.build(part, vocabulary, bytes),
  };
}

/** Old files without a `type` are recognised by their other keys. */
function guessType(part: JsonPart): string {
  if (!part.get('merges').isNull) return 'BPE';
  if (!part.get('max_input_chars_per_word').isNull) return 'WordPiece';
  return part.get('unk_token').isNull ? 'Unigram' : 'WordLevel';
}

/** `{ piece: id, ... }` */
function piecesOfRecord(vocab: JsonPart): Vocabulary {
  const packed = vocab.packedRecord && Vocabulary.fromPacked(vocab.packedRecord);
  if (packed) return packed;
  const vocabulary = new Vocabulary();
  const record = vocab.record();
  for (const piece in record) {
    const id = record[piece];
    const fits = typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_ID;
    // The slow path creates the error message.
    if (!fits || vocabulary.put(piece, id) !== null) vocabulary.add(piece, vocab.get(piece));
  }
  return vocabulary;
}

/** `[[piece, score], ...]` */
function scoredPieces(vocab: JsonPart): Vocabulary {
  const vocabulary = new Vocabulary();
  vocab.items().forEach((item, id) => {
    const piece = item.item(0).string();
    const clash = vocabulary.put(piece, id);
    if (clash) throw item.malformed(`repeats "${piece}"`);
  });
  return vocabulary;
}

function requiredToken(part: JsonPart, vocabulary: Vocabulary): number {
  const id = vocabulary.id(part.string());
  if (id === undefined) throw part.malformed(`"${part.string()}" is not in the vocabulary`);
  return id;
}

function unigramFromJson(part: JsonPart): TokenModel {
  const items = part.get('vocab').items();
  const unk = part.get('unk_id');
  const unkTokenId = unk.isNull ? null : unk.count(Math.max(0, items.length - 1));
  return unigram(
    {
      pieces: items.map((item) => item.item(0).string()),
      scores: Float64Array.from(items, (item) => item.item(1).number()),
      unkTokenId,
      byteFallback: part.get('byte_fallback').flag(),
    },
    () => unk.unsupported('null, but the text has a character that is not in the vocabulary'),
  );
}

function wordLevelFromJson(part: JsonPart, vocabulary: Vocabulary): TokenModel {
  const record = part.get('vocab').record();
  const ids = new Map(Object.entries(record) as [string, number][]);
  return wordLevel(ids, requiredToken(part.get('unk_token'), vocabulary));
}

function wordPieceFromJson(part: JsonPart, vocabulary: Vocabulary): TokenModel {
  const pieces = new CharTrie();
  const record = part.get('vocab').record();
  for (const piece in record) pieces.add(piece, record[piece] as number);
  return wordPiece({
    pieces,
    continuingPrefix: part.get('continuing_subword_prefix').string(),
    maxCharsPerWord: part.get('max_input_chars_per_word').count(2 ** 31),
    unkTokenId: requiredToken(part.get('unk_token'), vocabulary),
  });
}
