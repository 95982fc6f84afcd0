import { expect, it } from 'vitest';
import { droppedIn } from './dropped.ts';

function transfer(...entries: ({ isDirectory: boolean } | null)[]): DataTransfer {
  const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
  return { files: entries.map((_, at) => new File([], `${at}`)), items } as unknown as DataTransfer;
}

it('has the files, and finds a folder among them', () => {
  expect(droppedIn(transfer({ isDirectory: false }, { isDirectory: true })).hasFolder).toBe(true);
  expect(droppedIn(transfer({ isDirectory: false })).hasFolder).toBe(false);
  // A file that a script made has no entry.
  expect(droppedIn(transfer(null))).toMatchObject({ files: [{ name: '0' }], hasFolder: false });
  expect(droppedIn(transfer())).toEqual({ files: [], hasFolder: false });
});
