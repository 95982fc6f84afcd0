import type { WordToken } from '../model/model.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SPACE, type GgufModel } from './model.ts';
import { CHARACTER, characterFlags, firstOfDecomposition, lowerCase } from './unicode.ts';

export interface WordPieceOptions {
  readonly vocabulary: Vocabulary;
  /** For a word with a part that no piece covers; null drops it. */
  readonly unkTokenId: number | null;
  readonly lowercase: boolean;
  readonly stripAccents: boolean;
}

/** A word during normalisation: its UTF-8, and per byte the UTF-16 range of the original text. */
class Word {
  bytes: number[] = [];
  starts: number[] = [];
  ends: number[] = [];

  push(codePoint: number, start: number, end: number): void {
    if (codePoint < 0x80) return this.pushByte(codePoint, start, end);
    for (const byte of encoder.encode(String.fromCodePoint(codePoint))) this.pushByte(byte, start, end);
  }

  private pushByte(byte: number, start: number, end: number): void {
    this.bytes.push(byte);
    this.starts.push(start);
    this.ends.push(end);
  }
}

const encoder = new TextEncoder();
const MARK = SPACE.charCodeAt(0);

/**
 * WordPiece as in llama.cpp: pieces at the start of a word have a U+2581 prefix, those inside a word have none. Takes the
 * longest piece at the start of each word, then the longest at the start of the rest, and so on.
 */
export function wordPiece({ vocabulary, unkTokenId, lowercase, stripAccents }: WordPieceOptions): GgufModel {
  function tokensOf({ bytes, starts, ends }: Word, tokens: WordToken[]): void {
    const word = Uint8Array.from(bytes);
    const before = tokens.length;
    for (let at = 0; at < word.length;) {
      let longest = -1;
      let next = at;
      vocabulary.eachPrefix(word, at, word.length, (id, end) => {
        longest = id;
        next = end;
      });
      if (longest === -1) {
        tokens.length = before;
        break;
      }
      // The mark before the word corresponds to no text.
      tokens.push({ id: longest, start: starts[at], end: ends[next - 1] });
      at = next;
    }
    if (tokens.length === before && unkTokenId !== null) {
      tokens.push({ id: unkTokenId, start: starts[0], end: ends[ends.length - 1] });
    }
  }

  return {
    tokenize(text) {
      const tokens: WordToken[] = [];
      for (const word of normalizedWords(text, lowercase, stripAccents)) tokensOf(word, tokens);
      return tokens;
    },
  };
}

/** Words of BERT's basic tokenisation, with the mark before each. */
function* normalizedWords(text: string, lowercase: boolean, stripAccents: boolean): Generator<Word> {
  const flags = characterFlags();
  let word: Word | null = null;
  let at = 0;
  for (const character of text) {
    const start = at;
    at += character.length;
    const original = character.codePointAt(0)!;
    const codePoint = stripAccents ? firstOfDecomposition(original) : original;
    const flag = flags[codePoint];
    if (flag & CHARACTER.space) {
      if (word) yield word;
      word = null;
      continue;
    }
    if (codePoint === 0xfffd || flag & CHARACTER.control) continue;
    if (stripAccents && flag & CHARACTER.mark) continue;
    const written = lowercase ? lowerCase(codePoint) : codePoint;
    const alone =
      flag & CHARACTER.punctuation || (codePoint < 0x7f && flag & CHARACTER.symbol) || isIdeograph(codePoint);
    if (alone && word) {
      yield word;
      word = null;
    }
    if (!word) {
      word = new Word();
      word.push(MARK, start, start);
    }
    word.push(written, start, at);
    if (alone) {
      yield word;
      word = null;
    }
  }
  if (word) yield word;
}

/** The blocks that BERT splits into single characters; one bound is a mistake of Hugging Face's that everyone keeps. */
function isIdeograph(codePoint: number): boolean {
  return (
    (codePoint >= 0x4e00 && codePoint <= 0x9fff) ||
    (codePoint >= 0x3400 && codePoint <= 0x4dbf) ||
    (codePoint >= 0x20000 && codePoint <= 0x2a6df) ||
    (codePoint >= 0x2a700 && codePoint <= 0x2b73f) ||
    (codePoint >= 0x2b740 && codePoint <= 0x2b81f) ||
    (codePoint >= 0x2b920 && codePoint <= 0x2ceaf) ||
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    (codePoint >= 0x2f800 && codePoint <= 0x2fa1f)
  );
}
