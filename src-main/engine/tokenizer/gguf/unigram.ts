import type { WordToken } from '../model/model.ts';
import { characterLength } from '../utf8.ts';
import { Vocabulary } from '../vocabulary.ts';
import type { CharacterMap } from './character-map.ts';
import { SPACE, type GgufModel } from './model.ts';
import { ATTRIBUTE } from './token-attributes.ts';

export interface UnigramOptions {
  readonly vocabulary: Vocabulary;
  /** `[vocabulary]`: log-probabilities. */
  readonly scores: Float32Array;
  /** `[vocabulary]`: bits of ATTRIBUTE. */
  readonly attributes: Uint8Array;
  readonly unkTokenId: number | null;
  readonly addSpacePrefix: boolean;
  readonly removeExtraSpaces: boolean;
  readonly characterMap: CharacterMap | null;
}

/** Log-probability penalty of an unknown character relative to the least likely piece. */
const UNKNOWN_PENALTY = 10;

const SPACE_BYTES = new TextEncoder().encode(SPACE);
const UTF8_START = (byte: number) => byte < 0x80 || byte >= 0xc0;

/** Normalised UTF-8, and per byte the UTF-16 range of the original text. */
interface Normalized {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/**
 * The unigram model (Kudo, 2018) as in llama.cpp: the segmentation with the highest sum of scores (Viterbi, left to
 * right). Ties go to the first one found. Sums are double, scores are single precision, as there. Consecutive unknown
 * characters are one token.
 */
export function unigram(options: UnigramOptions): GgufModel {
  const { vocabulary, scores, attributes, unkTokenId } = options;
  const userDefined = userDefinedPieces(vocabulary, attributes);
  let lowest = Infinity;
  for (let id = 0; id < vocabulary.size; id++)
    if (attributes[id] & ATTRIBUTE.normal && scores[id] < lowest) lowest = scores[id];
  const unknownScore = Math.fround(lowest - UNKNOWN_PENALTY);
  const matchable = ATTRIBUTE.normal | ATTRIBUTE.userDefined | ATTRIBUTE.unused;
  const unknown = unkTokenId ?? -1;

  /** Per byte: the last token of the best segmentation of everything before it, and the start of that token. */
  function bestSegmentation(bytes: Uint8Array): { tokens: Int32Array; begins: Int32Array } {
    const tokens = new Int32Array(bytes.length + 1).fill(unknown);
    const begins = new Int32Array(bytes.length + 1);
    const sums = new Float64Array(bytes.length + 1).fill(-Number.MAX_VALUE);
    sums[0] = 0;
    for (let at = 0; at < bytes.length;) {
      const next = Math.min(bytes.length, at + characterLength(bytes[at]));
      let covered = false;
      const offer = (id: number, end: number, score: number) => {
        const sum = sums[at] + score;
        if (!(sum > sums[end])) return;
        sums[end] = sum;
        tokens[end] = id;
        begins[end] = at;
      };
      vocabulary.eachPrefix(bytes, at, bytes.length, (id, end) => {
        if (!(attributes[id] & matchable)) return;
        if (end === next) covered = true;
        offer(id, end, attributes[id] & ATTRIBUTE.userDefined ? 0 : scores[id]);
      });
      if (!covered) offer(unknown, next, unknownScore);
      at = next;
    }
    return { tokens, begins };
  }

  return {
    tokenize(text) {
      const { bytes, starts, ends } = normalize(text, options, userDefined);
      if (bytes.length === 0) return [];
      const { tokens, begins } = bestSegmentation(bytes);
      const found: WordToken[] = [];
      for (let end = bytes.length; end > 0; end = begins[end]) {
        const id = tokens[end];
        const last = found.at(-1);
        const start = starts[begins[end]];
        if (id === unknown && last?.id === unknown) last.start = start;
        else found.push({ id, start, end: ends[end - 1] });
      }
      return found.reverse().filter(({ id }) => id !== -1);
    },
  };
}

function userDefinedPieces(vocabulary: Vocabulary, attributes: Uint8Array): Vocabulary | null {
  const pieces = new Vocabulary();
  for (let id = 0; id < vocabulary.size; id++) {
    const piece = attributes[id] & ATTRIBUTE.userDefined ? vocabulary.piece(id) : undefined;
    if (piece) pieces.put(piece, pieces.size);
  }
  return pieces.size === 0 ? null : pieces;
}

function normalize(text: string, options: UnigramOptions, userDefined: Vocabulary | null): Normalized {
  const { addSpacePrefix, removeExtraSpaces, characterMap } = options;
  const input = new TextEncoder().encode(text);
  const out = new Output(input.length);
  let prefixed = false;
  let inWord = false;
  let unit = 0;
  for (let at = 0; at < input.length;) {
    const { part, length } = nextPart(input, at, characterMap, userDefined);
    const start = unit;
    for (let i = at; i < at + length; i++) if (UTF8_START(input[i])) unit += input[i] >= 0xf0 ? 2 : 1;
    at += length;
    for (const byte of part) {
      if (byte !== 0x20) {
        if (!inWord && ((addSpacePrefix && !prefixed) || removeExtraSpaces)) {
          out.push(SPACE_BYTES, start, start);
          prefixed = true;
        }
        inWord = true;
        out.pushByte(byte, start, unit);
      } else {
        inWord = false;
        if (!removeExtraSpaces) out.push(SPACE_BYTES, start, unit);
      }
    }
  }
  return out.done();
}

/** The normalised form of the next bytes, and how many they are. */
function nextPart(
  input: Uint8Array,
  at: number,
  characterMap: CharacterMap | null,
  userDefined: Vocabulary | null,
): { part: Uint8Array; length: number } {
  let kept = at;
  userDefined?.eachPrefix(input, at, input.length, (_, end) => (kept = end));
  if (kept > at) return { part: input.subarray(at, kept), length: kept - at };
  const match = characterMap?.match(input, at);
  if (match) return { part: match.replacement, length: match.length };
  const length = characterLength(input[at]);
  return { part: input.subarray(at, at + length), length };
}

/** Builds the normalised text. */
class Output {
  private bytes: Uint8Array;
  private starts: Int32Array;
  private ends: Int32Array;
  private length = 0;

  constructor(expected: number) {
    const size = 2 * expected + 16;
    this.bytes = new Uint8Array(size);
    this.starts = new Int32Array(size);
    this.ends = new Int32Array(size);
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    for (const byte of bytes) this.pushByte(byte, start, end);
  }

  pushByte(byte: number, start: number, end: number): void {
    if (this.length === this.bytes.length) this.grow();
    this.bytes[this.length] = byte;
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  done(): Normalized {
    const { length } = this;
    return {
      bytes: this.bytes.subarray(0, length),
      starts: this.starts.subarray(0, length),
      ends: this.ends.subarray(0, length),
    };
  }

  private grow(): void {
    const size = 2 * this.length;
    const grown = <T extends Uint8Array | Int32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.bytes = grown(new Uint8Array(size), this.bytes);
    this.starts = grown(new Int32Array(size), this.starts);
    this.ends = grown(new Int32Array(size), this.ends);
  }
}
