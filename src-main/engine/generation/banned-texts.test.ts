import { describe, expect, it } from 'vitest';
import { byteFallbackTokenizer } from '../tokenizer/test-support/byte-fallback.ts';
import { BannedTexts } from './banned-texts.ts';

const NEWLINE = '<0x0A>';
const PIECES = ['<unk>', 'a', NEWLINE, 'New', '▁York', '<0xE2>', '<0x82>', '<0xAC>'];

const tokenizer = byteFallbackTokenizer(PIECES);
const token = (piece: string) => ({ id: PIECES.indexOf(piece) });

/** After tokens that complete no banned text. */
function after(banned: string, pieces: readonly string[]): BannedTexts<{ id: number }> {
  const bans = new BannedTexts<{ id: number }>([banned], () => tokenizer.stream({ continues: true }));
  for (const piece of pieces) {
    expect(bans.push(token(piece))).toBeNull();
    bans.release();
  }
  return bans;
}

describe('banned texts in tokens whose text comes late', () => {
  it('begin at the first of them', () => {
    const bans = after('\n\n', ['a', NEWLINE, NEWLINE]);
    expect(bans.certain).toBe(1);
    expect(bans.push(token('New'))).toEqual({ position: 1, last: 2, rest: '' });
    bans.backtrack(1);
    expect(bans.push(token('New'))).toBeNull();
    expect(bans.release()).toEqual([token('New')]);
  });

  it('begin at a later token if they begin with its own text', () => {
    const bans = after('New York', ['a', NEWLINE, 'New']);
    expect(bans.push(token('▁York'))).toEqual({ position: 2, last: 3, rest: ' York' });
  });

  it('may end in the text of the token that brings it', () => {
    const bans = after('€New', ['a', NEWLINE, '<0xE2>', '<0x82>', '<0xAC>']);
    expect(bans.push(token('New'))).toEqual({ position: 1, last: 5, rest: 'New' });
  });

  it('are left out at the end of the reply, and only they', () => {
    expect(after('\n\n', ['a', NEWLINE, NEWLINE]).finish()).toEqual([]);
    expect(after('\n\n', ['a', NEWLINE]).finish()).toEqual([token(NEWLINE)]);
  });
});
