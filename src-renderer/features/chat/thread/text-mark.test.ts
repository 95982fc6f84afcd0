import { createRawSnippet } from 'svelte';
import { describe, expect, it } from 'vitest';
import { badgeIn, sharedIn } from './text-mark.ts';

const badge = createRawSnippet(() => ({ render: () => '<b></b>' }));
const block = { kind: 'answer', first: 10, end: 20, from: 40, to: 80, continues: false } as const;

describe('sharedIn', () => {
  it('does not change for blocks before and behind the end of the shared text', () => {
    const at = (shared: number) => sharedIn(block, { shared, at: null, badge });
    expect([0, 10, 14, 20, 30].map(at)).toEqual([10, 10, 14, 20, 20]);
    expect(sharedIn(block, undefined)).toBe(10);
  });
});

describe('badgeIn', () => {
  it('is the mark of the block with the first difference', () => {
    const mark = (at: number | null) => ({ shared: 0, at, badge });
    expect([null, 9, 10, 19, 20].map((at) => badgeIn(block, mark(at)) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});
