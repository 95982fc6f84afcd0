import { describe, expect, it } from 'vitest';
import type { Tokenized, TokenInfo } from '../../../../src-main/engine/api/types.ts';
import { listUnknown, markUnknown } from './unknown-words.ts';

describe('unknown words', () => {
  const text = 'a café and 日本 and café';
  const info = (id: number, unknown: boolean): [number, TokenInfo] => {
    return [id, { id, piece: '', bytes: [], kind: 'normal', special: false, unknown }];
  };
  const tokenized: Tokenized = {
    ids: [0, 7, 2, 2, 2, 2],
    ranges: Int32Array.of(-1, -1, 0, 1, 2, 6, 11, 13, 18, 22, -1, -1),
    vocabulary: new Map([info(0, false), info(7, false), info(2, true)]),
  };

  it('are found and marked, and the parts are the text', () => {
    const parts = markUnknown(text, tokenized);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(parts.filter((part) => part.unknown).map((part) => part.text)).toEqual(['café', '日本', 'café']);
  });

  it('are listed once each', () => {
    expect(listUnknown(text, tokenized)).toBe('café, 日本');
    expect(listUnknown(text, tokenized, 1)).toBe('café and 1 more');
    expect(listUnknown('a', { ...tokenized, ids: [0, 7] })).toBeNull();
  });
});
