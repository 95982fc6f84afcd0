import { expect, it } from 'vitest';
import { isGgufFile } from './gguf-file.ts';

const HEADER = 'GGUF\u0003\0\0\0';

it.each([
  ['story.GGUF', '', true],
  ['sha256-abc', HEADER, true],
  ['story', HEADER, true],
  ['story', 'GGUF', false],
  ['README', 'GGUF is a format.', false],
  ['LICENSE', 'Do what you want.', false],
  // Its extension says what it is meant to be.
  ['notes.txt', HEADER, false],
])('%s that begins with %j is a GGUF file: %s', async (name, content, expected) => {
  expect(await isGgufFile(new File([content], name))).toBe(expected);
});

it('a folder is none', async () => {
  const unreadable = { arrayBuffer: () => Promise.reject(new Error('NotReadableError')) } as unknown as Blob;
  expect(await isGgufFile({ name: 'models', slice: () => unreadable })).toBe(false);
});
