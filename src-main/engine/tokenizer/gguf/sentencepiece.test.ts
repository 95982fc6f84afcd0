import { describe, expect, it } from 'vitest';
import { cpuMs } from '../../test-support/cpu-time.ts';
import { Vocabulary } from '../vocabulary.ts';
import { bytePiece } from '../model/byte-piece.ts';
import { sentencePiece } from './sentencepiece.ts';

/** A model with these pieces and scores, and the tokens of a word. */
function model(entries: [piece: string, score: number][], unkTokenId: number | null = null) {
  const vocabulary = Vocabulary.fromPieces(entries.map(([piece]) => piece));
  const scores = entries.map(([, score]) => score);
  const tokens = sentencePiece({ vocabulary, scores, unkTokenId, addSpacePrefix: false });
  return {
    tokens,
    pieces: (word: string) => tokens.tokenize(word, true).map(({ id }) => vocabulary.piece(id)),
  };
}

const BYTES = Array.from({ length: 256 }, (_, byte): [string, number] => [bytePiece(byte), 0]);

describe('SentencePiece BPE', () => {
  it('joins the pair with the highest score first, the leftmost of equal ones', () => {
    const letters: [string, number][] = [
      ['a', -9],
      ['b', -9],
      ['c', -9],
    ];
    expect(model([...letters, ['ab', -2], ['bc', -1]]).pieces('abc')).toEqual(['a', 'bc']);
    expect(model([...letters, ['ab', -1], ['bc', -2]]).pieces('abc')).toEqual(['ab', 'c']);
    expect(model([...letters, ['aa', -1]]).pieces('aaa')).toEqual(['aa', 'a']);
    expect(model([...letters, ['ab', -2], ['bc', -1], ['abc', -3]]).pieces('abcab')).toEqual(['abc', 'ab']);
  });

  it('encodes characters without a piece as bytes, each with the range of its character', () => {
    const { tokens, pieces } = model([...BYTES, ['x', -1]]);
    expect(pieces('xé😀')).toEqual(['x', '<0xC3>', '<0xA9>', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>']);
    expect(tokens.tokenize('xé😀', true).map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 2],
      [1, 2],
      [2, 4],
      [2, 4],
      [2, 4],
      [2, 4],
    ]);
  });

  it('joins characters that are not pieces by themselves', () => {
    expect(model([...BYTES, ['né', -1]]).pieces('né')).toEqual(['né']);
  });

  it('gives the unknown token, or none, if there are no bytes either', () => {
    const pieces: [string, number][] = [
      ['<unk>', 0],
      ['a', -1],
    ];
    expect(model(pieces, 0).pieces('aé')).toEqual(['a', '<unk>', '<unk>']);
    expect(model(pieces).pieces('aé')).toEqual(['a']);
  });

  it('treats a NaN score as the lowest', () => {
    const letters: [string, number][] = [
      ['a', -9],
      ['b', -9],
      ['c', -9],
    ];
    expect(model([...letters, ['ab', NaN], ['bc', -1e30]]).pieces('abc')).toEqual(['a', 'bc']);
    expect(model([...letters, ['ab', NaN]]).pieces('abc')).toEqual(['ab', 'c']);
  });

  it('adds a space before a text, and after a special token', () => {
    const vocabulary = Vocabulary.fromPieces(['▁', 'a', '▁a']);
    const tokens = sentencePiece({ vocabulary, scores: [-3, -2, -1], unkTokenId: null, addSpacePrefix: true });
    expect(tokens.tokenize('a a', true)).toEqual([
      { id: 2, start: 0, end: 1 },
      { id: 2, start: 1, end: 3 },
    ]);
    expect(tokens.tokenize('a', false)).toEqual([{ id: 1, start: 0, end: 1 }]);
    expect(tokens.tokenize(' a', true).map(({ id }) => id)).toEqual([0, 2]);
  });

  it('takes linear time', () => {
    const { tokens } = model([
      ['a', -9],
      ['aa', -1],
      ['aaaa', -2],
      ['aaaaaaaa', -3],
    ]);
    // About 0.3 s; quadratic time would be hours.
    expect(cpuMs(() => expect(tokens.tokenize('a'.repeat(400_000), true)).toHaveLength(50_000))).toBeLessThan(10_000);
  });
});
