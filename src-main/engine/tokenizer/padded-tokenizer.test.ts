import { describe, expect, it } from 'vitest';
import { wordTokenizer } from '../test-support/scripted-model.ts';
import { PaddedTokenizer } from './padded-tokenizer.ts';

describe('PaddedTokenizer', () => {
  const tokens = wordTokenizer(['<s>', '</s>', '<unk>', 'one', 'two']);
  const padded = new PaddedTokenizer(tokens, 8);

  it('treats padding rows as special tokens without text', () => {
    expect(padded.vocabularySize).toBe(8);
    expect([padded.piece(4), padded.piece(5), padded.piece(7)]).toEqual(['two', '<unused 5>', '<unused 7>']);
    expect([3, 5, 7].map((id) => padded.isSpecial(id))).toEqual([false, true, true]);
    expect(padded.decode([3, 6, 4])).toBe('onetwo');
    const stream = padded.stream();
    expect([3, 6, 4].map((id) => stream.push(id))).toEqual(['one', '', 'two']);
    expect([stream.pending, stream.flush()]).toEqual([false, '']);
  });

  it('tokenizes text with the real tokens only', () => {
    expect(padded.encode('one two')).toEqual(tokens.encode('one two'));
    expect(padded.encodePieces('one', { addSpecial: false })).toEqual(
      tokens.encodePieces('one', { addSpecial: false }),
    );
    expect([padded.bosTokenId, padded.unkTokenId]).toEqual([0, 2]);
  });
});
