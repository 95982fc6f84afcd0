import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EngineError } from '../../engine/api/errors.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { ModelLibrary } from './library.ts';
import { Recogniser } from './recogniser.ts';
import { exampleEntry } from './test-support/example-entry.ts';

test('an error is reported, and does not stop the recognition of other models', async () => {
  const folder = await temporaryFolder();
  const library = new ModelLibrary(await temporaryFolder(), [], () => undefined);
  const bytes = Buffer.alloc(5000, 7);
  for (const name of ['right.gguf', 'gone.gguf', 'first.gguf']) {
    await writeFile(join(folder, name), bytes);
    await library.add(join(folder, name));
  }
  // Newest first.
  const listings = await library.list();
  await rm(join(folder, 'gone.gguf'));

  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const entries = [exampleEntry({ bytes: bytes.length, sha256 })];
  const failure = new EngineError('STORAGE', 'The catalogue cannot be read.');
  const onError = vi.fn();
  const onChange = vi.fn();
  new Recogniser({
    library,
    catalogue: vi.fn(() => Promise.resolve(entries)).mockRejectedValueOnce(failure),
    signal: new AbortController().signal,
    onChange,
    onError,
  }).look(listings);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce());
  expect(onError.mock.calls).toEqual([[failure]]);
  const recognised = library.models.filter(({ catalogueId }) => catalogueId !== null);
  expect(recognised).toMatchObject([{ id: 'right', catalogueId: 'tiny-1m', name: 'Tiny 1M', sha256 }]);
});
