import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../services/test-support/support.ts';
import { keepRequests, keptRequests } from './kept-requests.ts';

const REQUESTS = [
  { type: 'model', path: '/models/a b.gguf' },
  { type: 'question', text: 'Why?' },
] as const;

test('requests are opened by the next start, and only by that one', async () => {
  const folder = await temporaryFolder();
  expect(keptRequests(folder)).toEqual([]);
  keepRequests(folder, []);
  expect(await readdir(folder)).toEqual([]);
  keepRequests(folder, REQUESTS);
  expect(keptRequests(folder)).toEqual(REQUESTS);
  expect(keptRequests(folder)).toEqual([]);
});

test('old and unreadable requests are deleted', async () => {
  const folder = await temporaryFolder();
  keepRequests(folder, REQUESTS);
  expect(keptRequests(folder, Date.now() + 11 * 60 * 1000)).toEqual([]);
  for (const text of ['{', '{}', '[1, null]']) {
    await writeFile(join(folder, 'open-requests.json'), text);
    expect(keptRequests(folder), text).toEqual([]);
    expect(await readdir(folder), text).toEqual([]);
  }
});
