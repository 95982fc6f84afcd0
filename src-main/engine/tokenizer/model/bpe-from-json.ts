import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import type { PackedPairs } from '../json/packed-parts.ts';
import type { JsonPart } from '../json-part.ts';
import { codePointAt, codePointBefore } from '../utf8.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { byteBpe } from './byte-bpe.ts';
import { characterBpe } from './character-bpe.ts';
import { MergeTable } from './merge-table.ts';
import type { TokenModel } from './model.ts';
import { PossibleJoins } from './possible-joins.ts';
import { remembering } from './remembered.ts';

/** Whether the model can read words as bytes, which requires the settings of a byte-level vocabulary. */
export function isByteLevel(part: JsonPart, vocabulary: Vocabulary): boolean {
  if (prefixOf(part) !== '' || suffixOf(part) !== '') return false;
  const needsNoUnk = part.get('unk_token').isNull && !part.get('byte_fallback').flag();
  return needsNoUnk || BYTE_CHARACTERS.every((character) => vocabulary.id(character) !== undefined);
}

const textOf = (part: JsonPart) => (part.isNull ? '' : part.string());
const prefixOf = (part: JsonPart) => textOf(part.get('continuing_subword_prefix'));
const suffixOf = (part: JsonPart) => textOf(part.get('end_of_word_suffix'));

/** The `model` of type BPE. @param bytes whether words come as bytes */
export function bpeFromJson(part: JsonPart, vocabulary: Vocabulary, bytes: boolean): TokenModel {
  const dropout = part.get('dropout');
  if (!dropout.isNull && dropout.number() !== 0) throw dropout.unsupported('with a value');
  const joins = new PossibleJoins();
  const prefix = prefixOf(part);
  const packed = prefix === '' ? part.get('merges').packedPairs : null;
  const merges =
    (packed && mergesOfPacked(packed, vocabulary, joins)) ?? readMerges(part.get('merges'), vocabulary, prefix, joins);
  const modelSize = vocabulary.size;
  const own = new Uint8Array(modelSize).fill(1);
  for (let id = 0; id < modelSize; id++) if (!vocabulary.has(id)) own[id] = 0;
  const common = {
    vocabulary,
    isOwn: (id: number) => own[id] === 1,
    merges,
    ignoreMerges: part.get('ignore_merges').flag(),
    unkTokenId: unkToken(part.get('unk_token'), vocabulary),
  };
  if (bytes) {
    const model = byteBpe(common);
    return { ...model, tokenize: remembering(model.tokenize) };
  }
  return characterBpe({
    ...common,
    joins,
    fuseUnk: part.get('fuse_unk').flag(),
    byteFallback: part.get('byte_fallback').flag(),
    continuingPrefix: prefix,
    wordSuffix: suffixOf(part),
  });
}

function unkToken(part: JsonPart, vocabulary: Vocabulary): number | null {
  if (part.isNull) return null;
  const id = vocabulary.id(part.string());
  if (id === undefined) throw part.malformed(`"${part.string()}" is not in the vocabulary`);
  return id;
}

/**
 * The merges, best first, each as `left right` or `[left, right]`. The last of duplicate pairs counts, as in Hugging
 * Face, so they are read from the end.
 * @param prefix removed from the right piece when it is merged
 * @param joins records between which characters merges join
 */
function readMerges(part: JsonPart, vocabulary: Vocabulary, prefix: string, joins: PossibleJoins): MergeTable {
  const merges = part.list();
  const table = new MergeTable(merges.length);
  const ids = new Int32Array(3).fill(-1);
  for (let rank = merges.length - 1; rank >= 0; rank--) {
    const pair = pairOf(merges[rank]);
    if (!pair) throw part.item(rank).malformed('must be two pieces');
    const [left, right] = pair;
    vocabulary.idsOfMerge(left, right, ids);
    if (prefix !== '') ids[2] = vocabulary.id(left + right.slice(prefix.length)) ?? -1;
    const missing = ids.indexOf(-1);
    if (missing !== -1) {
      const piece = [left, right, left + right.slice(prefix.length)][missing];
      throw part.item(rank).malformed(`needs "${piece}", which is not in the vocabulary`);
    }
    table.add(ids[0], ids[1], rank, ids[2]);
    joins.add(lastCodePoint(left), right.codePointAt(0) ?? 0);
  }
  return table;
}

/** As `readMerges` for packed pairs; null when a piece is not in the vocabulary. */
function mergesOfPacked(packed: PackedPairs, vocabulary: Vocabulary, joins: PossibleJoins): MergeTable | null {
  const { blob, offsets } = packed.texts;
  const table = new MergeTable(packed.length);
  const ids = new Int32Array(3).fill(-1);
  for (let rank = packed.length - 1; rank >= 0; rank--) {
    const [start, middle, end] = [offsets[2 * rank], offsets[2 * rank + 1], offsets[2 * rank + 2]];
    if (start === middle || middle === end) return null;
    vocabulary.idsOfMergedBytes(blob, start, middle, end, ids);
    if (ids[0] === -1 || ids[1] === -1 || ids[2] === -1) return null;
    table.add(ids[0], ids[1], rank, ids[2]);
    joins.add(codePointBefore(blob, middle), codePointAt(blob, middle));
  }
  return table;
}

function pairOf(merge: unknown): readonly [string, string] | null {
  const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
  if (!Array.isArray(parts) || parts.length !== 2) return null;
  const [left, right] = parts as [unknown, unknown];
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : null;
}

function lastCodePoint(text: string): number {
  const unit = text.charCodeAt(text.length - 1);
  return (unit & 0xfc00) === 0xdc00 ? (text.codePointAt(text.length - 2) ?? 0) : unit;
}
