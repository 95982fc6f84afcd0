import { describe, expect, it } from 'vitest';
import { byteFallbackTokenizer } from '../tokenizer/test-support/byte-fallback.ts';
import { BannedTexts } from './banned-texts.ts';
import type { Joint } from './continuation.ts';

const NEWLINE = '<0x0A>';
const PIECES = ['<unk>', 'a', NEWLINE, 'New', '▁York', '<0xE2>', '<0x82>', '<0xAC>'];

const tokenizer = byteFallbackTokenizer(PIECES);
const token = (piece: string) => ({ id: PIECES.indexOf(piece) });

/** Where a reply begins: after a text, and after tokens whose text comes late. */
function joint(before: string, late: readonly string[]): Joint {
  const stream = tokenizer.stream({ continues: true });
  for (const piece of late) expect(stream.push(token(piece).id)).toBe('');
  return { stream, before };
}

/** After tokens that complete no banned text. */
function after(banned: string, pieces: readonly string[], before = '', late: readonly string[] = []) {
  const bans = new BannedTexts<{ id: number }>([banned], () => joint(before, late));
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

describe('banned texts that begin before the reply', () => {
  it('begin at its first token', () => {
    const bans = after('a New York', [], 'a banana ');
    expect(bans.push(token('New'))).toBeNull();
    expect(bans.release()).toEqual([]);
    expect(bans.push(token('New'))).toBeNull();
    expect(bans.release()).toEqual([token('New'), token('New')]);
    const found = after('na New York', ['New'], 'a banana ');
    expect(found.push(token('▁York'))).toEqual({ position: 0, last: 1, rest: ' York' });
    found.backtrack(0);
    expect(found.push(token('▁York'))).toBeNull();
    expect(found.release()).toEqual([token('▁York')]);
    // What was passed on separates the text before from the rest.
    expect(found.push(token('New'))).toBeNull();
    expect(found.push(token('▁York'))).toBeNull();
  });

  it('begin in a given token, too, which stays', () => {
    const bans = after('aaNew', [], 'a');
    bans.give(token('a').id);
    expect(bans.certain).toBe(0);
    expect(bans.push(token('New'))).toEqual({ position: 0, last: 0, rest: 'New' });
    bans.backtrack(0);
    expect(bans.push(token('a'))).toBeNull();
    expect(bans.push(token('New'))).toEqual({ position: 0, last: 1, rest: 'New' });
  });

  it('are not found again if they are complete there, even if their text comes late', () => {
    expect(after('\n', [], '', [NEWLINE]).push(token('New'))).toBeNull();
    expect(after('a', [], 'a').push(token('New'))).toBeNull();
    const given = after('\n', []);
    given.give(token(NEWLINE).id);
    expect(given.push(token('New'))).toBeNull();
    expect(given.release()).toEqual([token('New')]);
    const bans = after('\n\n', [NEWLINE], '', [NEWLINE]);
    expect(bans.push(token('New'))).toEqual({ position: 0, last: 0, rest: '' });
  });

  it('are left out at the end of the reply', () => {
    expect(after('\n\n', [NEWLINE], 'a\n').finish()).toEqual([]);
    expect(after('aNewa', ['New'], 'a').finish()).toEqual([token('New')]);
  });
});
