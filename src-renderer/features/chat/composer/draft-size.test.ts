import { expect, it } from 'vitest';
import { DraftSize } from './draft-size.svelte.ts';

it('stays too long until another size is known, for the same draft only', () => {
  const size = new DraftSize();
  expect(size.tooLong(['long', 1])).toBeNull();
  size.set(['long', 1], { tokens: 300, window: 256 });
  expect(size.tooLong(['long', 1])).toEqual({ tokens: 300, window: 256 });
  expect(size.tooLong(['short', 1])).toBeNull();
  expect(size.tooLong(['long', 2])).toBeNull();
  size.set(['long', 1], { tokens: 255, window: 256 });
  expect(size.tooLong(['long', 1])).toBeNull();
  size.set(['long', 1], null);
  expect(size.tooLong(['long', 1])).toBeNull();
});
