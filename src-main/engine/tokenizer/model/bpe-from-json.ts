import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import type { JsonPart } from '../json-part.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { byteLevelBpe } from './byte-level-bpe.ts';
import type { TokenModel } from './model.ts';

/** Settings of Hugging Face's BPE that must be absent, empty or off: byte-level vocabularies do not use them. */
const UNUSED = ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'byte_fallback'];

/** The `model` of type BPE behind a ByteLevel pre-tokenizer. */
export function byteLevelBpeFromJson(part: JsonPart, vocabulary: Vocabulary): TokenModel {
  for (const key of UNUSED) {
    const setting = part.get(key);
    if (!setting.isOff) throw setting.unsupported('with a value');
  }
  const ignoreMerges = part.get('ignore_merges');
  const merges = part.get('merges').items();
  return byteLevelBpe({
    vocabulary,
    merges: mergesOf(merges, vocabulary),
    mergeCount: merges.length,
    ignoreMerges: !ignoreMerges.isNull && ignoreMerges.boolean(),
    unkTokenId: unkToken(part.get('unk_token'), vocabulary),
  });
}

/** Each merge as `left right`, written so or as the pair `[left, right]`. */
function* mergesOf(merges: readonly JsonPart[], vocabulary: Vocabulary): Generator<string> {
  for (const merge of merges) {
    const pair = merge.isList ? merge.items().map((item) => item.string()) : merge.string().split(' ');
    if (pair.length !== 2) throw merge.malformed('must be two pieces');
    for (const piece of [...pair, pair.join('')]) {
      if (vocabulary.id(piece) === undefined) throw merge.malformed(`needs "${piece}", which is not in the vocabulary`);
    }
    yield pair.join(' ');
  }
}

/** Hugging Face puts it in the place of a byte that has no token, which the model here leaves out. */
function unkToken(part: JsonPart, vocabulary: Vocabulary): number | null {
  if (part.isNull) return null;
  const id = vocabulary.id(part.string());
  if (id === undefined) throw part.malformed(`"${part.string()}" is not in the vocabulary`);
  if (BYTE_CHARACTERS.some((character) => vocabulary.id(character) === undefined)) {
    throw part.unsupported('with a vocabulary that lacks some bytes');
  }
  return id;
}
