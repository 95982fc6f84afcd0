import { describe, expect, it } from 'vitest';
import { voteKey } from './vote-key.ts';

const press = (key: string, ctrlKey = false, code = '') => ({
  key,
  code,
  ctrlKey,
  altKey: false,
  metaKey: false,
  shiftKey: false,
});

describe('voteKey', () => {
  it('is the number of a text, 0 or S', () => {
    expect(voteKey(press('2'), 4, false)).toEqual({ kind: 'text', index: 1 });
    expect(voteKey(press('0'), 4, false)).toEqual({ kind: 'tie' });
    expect(voteKey(press('S'), 4, false)).toEqual({ kind: 'skip' });
    expect(voteKey(press('ы', false, 'KeyS'), 4, false)).toEqual({ kind: 'skip' });
  });
  it('is nothing else', () => {
    expect(voteKey(press('5'), 4, false)).toBeNull();
    expect(voteKey(press('x'), 4, false)).toBeNull();
    expect(voteKey(press('1', true), 4, false)).toBeNull();
    expect(voteKey(press('1'), 4, true)).toBeNull();
  });
});
