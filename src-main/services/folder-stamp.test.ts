import { expect, test } from 'vitest';
import { FolderStamp } from './folder-stamp.ts';

test('a stamp lasts once the folder had it for longer than modification times are coarse', () => {
  const stamp = new FolderStamp();
  expect(stamp.lasting('one', 1000)).toBeNull();
  expect(stamp.lasting('one', 1049)).toBeNull();
  expect(stamp.lasting('one', 1050)).toBe('one');
  // However long the last look is ago, the folder may have changed a moment ago.
  expect(stamp.lasting('two', 9000)).toBeNull();
  expect(stamp.lasting('two', 9100)).toBe('two');
  expect(stamp.lasting('one', 9101)).toBeNull();
});
