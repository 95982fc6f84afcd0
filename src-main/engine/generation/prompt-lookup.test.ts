import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PromptLookup } from './prompt-lookup.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('drafts by prompt lookup', () => {
  it('are what followed the last three tokens', () => {
    expect(new PromptLookup().draft([1, 2, 3, 4, 5, 6, 9, 1, 2, 3], 7)).toEqual([4, 5, 6]);
  });

  it('are empty if fewer tokens occurred before', () => {
    expect(new PromptLookup().draft([1, 2, 3, 4, 5, 9, 2, 3], 7)).toEqual([]);
    expect(new PromptLookup().draft([], 7)).toEqual([]);
    expect(new PromptLookup().draft([1, 2], 7)).toEqual([]);
  });

  it('follow the longest match, then the newest', () => {
    const longest = [7, 1, 2, 3, 10, 11, 12, 8, 1, 2, 3, 20, 21, 22, 7, 1, 2, 3];
    expect(new PromptLookup().draft(longest, 7)).toEqual([10, 11, 12]);
    const newest = [7, 1, 2, 3, 10, 11, 12, 8, 1, 2, 3, 20, 21, 22, 9, 1, 2, 3];
    expect(new PromptLookup().draft(newest, 7)).toEqual([20, 21, 22]);
  });

  it('are longer after a long match, but never longer than asked for', () => {
    const text = range(100, 140);
    expect(new PromptLookup().draft([...text, ...text.slice(0, 20)], 7)).toEqual(range(120, 127));
    expect(new PromptLookup().draft([...text, ...text.slice(0, 20)], 2)).toEqual([120, 121]);
  });

  it('repeat a match that reaches the end', () => {
    const loop = [5, 6].flatMap((id) => [id]).concat([5, 6, 5, 6, 5, 6, 5, 6, 5, 6]);
    expect(new PromptLookup().draft(loop, 7)).toEqual([5, 6, 5, 6, 5, 6, 5]);
  });

  it('are the same whether the index grew, shrank or is new', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 6 }), (lists) => {
        const lookup = new PromptLookup();
        for (const list of lists) expect(lookup.draft(list, 7)).toEqual(new PromptLookup().draft(list, 7));
      }),
    );
  });
});
