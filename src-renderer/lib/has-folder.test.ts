import { expect, it } from 'vitest';
import { hasFolder } from './has-folder.ts';

function dropped(...entries: ({ isDirectory: boolean } | null)[]): DataTransfer {
  return { items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) } as unknown as DataTransfer;
}

it('finds a folder among what was dropped', () => {
  expect(hasFolder(dropped({ isDirectory: false }, { isDirectory: true }))).toBe(true);
  expect(hasFolder(dropped({ isDirectory: false }))).toBe(false);
  // A file that a script made has no entry.
  expect(hasFolder(dropped(null))).toBe(false);
  expect(hasFolder(dropped())).toBe(false);
});
