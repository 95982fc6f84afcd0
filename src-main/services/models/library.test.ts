import { mkdir, open, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-support/support.ts';
import { ModelLibrary } from './library.ts';
import { sha256OfFile } from './sha256-file.ts';

async function setUp(folder?: string) {
  const dataFolder = folder ?? (await temporaryFolder());
  const notices: string[] = [];
  const library = new ModelLibrary(dataFolder, ['tiny-transformer'], (message) => notices.push(message));
  await library.read();
  return { dataFolder, library, notices };
}

async function file(folder: string, name: string, bytes = 10): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), new Uint8Array(bytes));
  return join(folder, name);
}

test('remembers a file by its path, across a restart, under an id that is easy to type', async () => {
  const { dataFolder, library } = await setUp();
  const models = await temporaryFolder();
  const path = await file(models, 'story.gguf', 123);
  const added = await library.add(path);
  expect(added).toMatchObject({ name: 'story', builtIn: false, path, fileBytes: 123, problem: null });
  expect(added.id).toBe('story');
  expect((await library.add(path)).id).toBe(added.id);

  const again = await setUp(dataFolder);
  expect(await again.library.list()).toEqual([added]);
  expect(again.library.find(added.id)?.path).toBe(path);
  expect(again.library.find('nothing')).toBeNull();
});

test('reports a missing file, finds it again, and removes it on demand', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  const path = await file(models, 'story.gguf');
  const { id } = await library.add(path);
  await rename(path, `${path}.away`);
  expect(await library.list()).toMatchObject([
    { id, fileBytes: 0, problem: expect.stringContaining('no longer exists') },
  ]);
  await rename(`${path}.away`, path);
  expect(await library.list()).toMatchObject([{ id, problem: null }]);
  await library.remove(id);
  expect(await library.list()).toEqual([]);
  expect(library.find(id)).toBeNull();
  expect((await readFile(path)).length).toBe(10);
});

test('accepts a folder, also by its config.json or its weights, and counts its model files', async () => {
  const { library } = await setUp();
  const folder = join(await temporaryFolder(), 'smol');
  await file(folder, 'config.json', 5);
  await file(folder, 'model.safetensors', 100);
  await file(folder, 'README.md', 1000);
  const added = await library.add(folder);
  expect(added).toMatchObject({ name: 'smol', path: folder, fileBytes: 105 });
  expect((await library.add(join(folder, 'config.json'))).id).toBe(added.id);
  expect((await library.add(join(folder, 'model.safetensors'))).id).toBe(added.id);
});

test('takes the GGUF model of a folder whose config.json has no safetensors', async () => {
  const { library } = await setUp();
  const folder = join(await temporaryFolder(), 'converted');
  await file(folder, 'config.json', 5);
  const model = await file(folder, 'converted-Q4_K_M.gguf', 10);
  // A projector is not a model of its own.
  await file(folder, 'converted-mmproj-F16.gguf', 30);
  expect(await library.add(folder)).toMatchObject({ name: 'converted-Q4_K_M', path: model, fileBytes: 10 });
  await file(folder, 'converted-Q8_0.gguf', 20);
  await expect(library.add(folder)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: 'converted holds 2 GGUF models: converted-Q4_K_M.gguf, converted-Q8_0.gguf. Open one of them instead.',
  });
  // Conversions of the folder's own model.
  await file(folder, 'model-00001-of-00002.safetensors', 40);
  expect(await library.add(folder)).toMatchObject({ name: 'converted', path: folder });
});

test('counts the parts of a split file and names it without its number', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  const first = await file(models, 'big-00001-of-00002.gguf', 10);
  await file(models, 'big-00002-of-00002.gguf', 20);
  await file(models, 'other-00001-of-00002.gguf', 40);
  expect(await library.add(first)).toMatchObject({ name: 'big', fileBytes: 30 });
});

test('refuses what is not a model or does not exist', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  await expect(library.add(await file(models, 'notes.txt'))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(library.add(models)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(library.add(join(models, 'no.gguf'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect(await library.list()).toEqual([]);
});

test('renames a damaged list and starts a new one', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'models.json'), '{"models": [{"id": "../x"}]}');
  const { library, notices } = await setUp(folder);
  expect(notices).toEqual([expect.stringContaining('models.json.corrupt')]);
  const path = await file(await temporaryFolder(), 'story.gguf');
  await library.add(path);
  expect(JSON.parse(await readFile(join(folder, 'models.json'), 'utf8'))).toMatchObject({ models: [{ path }] });
});

test('a list with a damaged entry keeps the others, and the old file', async () => {
  const { library: before, dataFolder } = await setUp();
  const { id } = await before.add(await file(await temporaryFolder(), 'story.gguf'));
  const path = join(dataFolder, 'models.json');
  const list = JSON.parse(await readFile(path, 'utf8')) as { models: object[] };
  const damaged = JSON.stringify({ ...list, models: [{ id: '../x' }, ...list.models] });
  await writeFile(path, damaged);
  const { library, notices } = await setUp(dataFolder);
  expect((await library.list()).map((model) => model.id)).toEqual([id]);
  expect(notices).toEqual([expect.stringMatching(/1 of its models could be read.*models\.json\.corrupt/)]);
  expect(await readFile(`${path}.corrupt`, 'utf8')).toBe(damaged);
  // The other instances that share the file see it too.
  expect((await (await setUp(dataFolder)).library.list()).map((model) => model.id)).toEqual([id]);
});

test('keeps what it cannot save in memory, with a notice', async () => {
  const { library, notices, dataFolder } = await setUp();
  await mkdir(join(dataFolder, 'models.json'));
  const path = await file(await temporaryFolder(), 'story.gguf');
  const { id } = await library.add(path);
  expect(library.find(id)?.path).toBe(path);
  expect(notices).toEqual([expect.stringContaining('lost when the app quits')]);
});

test('an unreadable list is reported and not changed, and additions are saved once that is possible', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'models.json');
  await mkdir(path);
  const { library, notices } = await setUp(folder);
  const { id } = await library.add(await file(await temporaryFolder(), 'story.gguf'));
  expect(library.find(id)).not.toBeNull();
  expect(notices).toEqual([expect.stringMatching(/Could not read .*models\.json.*was not changed/)]);

  const other = await setUp();
  await other.library.add(await file(await temporaryFolder(), 'other.gguf'));
  await rm(path, { recursive: true });
  await rename(join(other.dataFolder, 'models.json'), path);
  await library.used('tiny-transformer');
  const stored = JSON.parse(await readFile(path, 'utf8')) as { models: { id: string }[] };
  expect(stored.models.map((model) => model.id)).toEqual(['story', 'other']);
});

test('in strict mode, failures to read or save throw and change nothing', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'no-folder'), '');
  const notices: string[] = [];
  const strict = (dataFolder: string) =>
    new ModelLibrary(dataFolder, [], (message) => notices.push(message), { strict: true });
  const path = await file(await temporaryFolder(), 'story.gguf');
  const unwritable = strict(join(folder, 'no-folder', 'data'));
  await expect(unwritable.add(path)).rejects.toMatchObject({ code: 'STORAGE' });
  expect(unwritable.models).toEqual([]);
  await mkdir(join(folder, 'models.json'));
  await expect(strict(folder).read()).rejects.toMatchObject({ code: 'STORAGE' });
  expect(notices).toEqual([]);
});

test('imports the list of an earlier version, with its ids', async () => {
  const folder = await temporaryFolder();
  const path = await file(await temporaryFolder(), 'story.gguf');
  await writeFile(join(folder, 'models.json'), JSON.stringify({ models: [{ id: 'opened-1', path }] }));
  const { library, notices } = await setUp(folder);
  expect(await library.list()).toMatchObject([
    { id: 'opened-1', name: 'story', source: 'file', addedAt: null, state: 'ok', measured: [] },
  ]);
  await library.used('opened-1');
  const stored = JSON.parse(await readFile(join(folder, 'models.json'), 'utf8')) as unknown;
  expect(stored).toMatchObject({ version: 2, models: [{ id: 'opened-1', lastUsedAt: expect.any(String) as string }] });
  expect(notices).toEqual([]);
});

test('does not change the list of a later version', async () => {
  const folder = await temporaryFolder();
  const later = '{"version":3,"shelves":[]}';
  await writeFile(join(folder, 'models.json'), later);
  const { library, notices } = await setUp(folder);
  const { id } = await library.add(await file(await temporaryFolder(), 'story.gguf'));
  expect(library.find(id)).not.toBeNull();
  expect(await readFile(join(folder, 'models.json'), 'utf8')).toBe(later);
  expect(notices).toEqual([expect.stringContaining('written by a newer version')]);
});

test('reports a replaced file until it is accepted; one that was only touched is unchanged', async () => {
  const { library } = await setUp();
  const path = await file(await temporaryFolder(), 'story.gguf', 100);
  const { id } = await library.add(path);
  await library.hashed(id, 'a'.repeat(64));
  await utimes(path, 1000, 1000);
  expect(await library.listing(id)).toMatchObject({ state: 'ok' });

  await writeFile(path, Buffer.alloc(100, 1));
  // Where times are coarse, it could have that of the first one.
  await utimes(path, 2000, 2000);
  expect(await library.listing(id)).toMatchObject({
    state: 'changed',
    stateText: expect.stringContaining('its size is the same') as string,
    problem: null,
  });
  await writeFile(path, Buffer.alloc(101));
  expect((await library.listing(id)).stateText).toContain('it had 100 bytes and now has 101');
  expect(await library.accept(id)).toMatchObject({ state: 'ok', sha256: null, fileBytes: 101 });
});

test('notices changes after the start: anywhere in small files, and in large ones if most of it changed', async () => {
  const { library, dataFolder } = await setUp();
  const small = await file(await temporaryFolder(), 'small.gguf', 600_000);
  const { id } = await library.add(small);
  const large = await file(await temporaryFolder(), 'large.gguf', 0);
  await truncate(large, 80 * 1024 * 1024);
  const { id: largeId } = await library.add(large);
  for (const [path, at] of [
    [small, 500_001],
    [large, 40 * 1024 * 1024],
  ] as const) {
    const handle = await open(path, 'r+');
    // The modification time differs by less than a millisecond.
    const { mtimeNs } = await handle.stat({ bigint: true });
    await handle.write(Buffer.of(1), 0, 1, at);
    await handle.utimes(Number(mtimeNs / 1000n) / 1e6 + 0.000_2, Number(mtimeNs / 1000n) / 1e6 + 0.000_2);
    await handle.close();
  }
  for (const one of [library, (await setUp(dataFolder)).library]) {
    expect(await one.listing(id)).toMatchObject({ state: 'changed', problem: null });
    expect(await one.listing(largeId)).toMatchObject({ state: 'changed', problem: null });
  }
  expect(await library.accept(id)).toMatchObject({ state: 'ok' });
});

test('fingerprints of earlier versions are valid, and are completed', async () => {
  const { library: before, dataFolder } = await setUp();
  const path = await file(await temporaryFolder(), 'story.gguf', 600_000);
  const { id } = await before.add(path);
  const listPath = join(dataFolder, 'models.json');
  type Stored = { models: { fingerprint: Record<string, unknown>; downloaded?: unknown }[] };
  const list = JSON.parse(await readFile(listPath, 'utf8')) as Stored;
  for (const model of list.models) {
    const { bytes, mtimeMs, head } = model.fingerprint;
    model.fingerprint = { bytes, mtimeMs, head };
    delete model.downloaded;
  }
  await writeFile(listPath, JSON.stringify(list));
  // Touched since: not a change.
  await utimes(path, 1000, 1000);
  const { library, notices } = await setUp(dataFolder);
  expect(await library.list()).toMatchObject([{ id, state: 'ok' }]);
  const { models } = JSON.parse(await readFile(listPath, 'utf8')) as Stored;
  expect(models[0]?.fingerprint).toMatchObject({ samples: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  const handle = await open(path, 'r+');
  await handle.write(Buffer.of(1), 0, 1, 500_000);
  await handle.close();
  expect(await library.list()).toMatchObject([{ id, state: 'changed' }]);
  expect(notices).toEqual([]);
});

test('only files that Tokenscope wrote are deleted, and only if unchanged', async () => {
  const { library, dataFolder } = await setUp();
  const own = join(dataFolder, 'models');
  const models = await temporaryFolder();
  const downloaded = async (name: string) => {
    const path = await file(models, name, 100);
    const sha256 = await sha256OfFile(path);
    return { path, id: (await library.add(path, { sha256, isDownloaded: true })).id };
  };
  const mine = await file(models, 'mine.gguf', 50);

  // Touched, but unchanged.
  const plain = await downloaded('plain.gguf');
  await utimes(plain.path, 1000, 1000);
  await library.delete(plain.id, own);
  expect(await readdir(models)).toEqual(['mine.gguf']);
  expect(library.find(plain.id)).toBeNull();

  // A different file of the same name and size.
  const replaced = await downloaded('replaced.gguf');
  await writeFile(replaced.path, Buffer.alloc(100, 1));
  await utimes(replaced.path, 2000, 2000);
  await expect(library.delete(replaced.id, own)).rejects.toThrow('changed after Tokenscope downloaded it');
  expect(await library.accept(replaced.id)).toMatchObject({ source: 'file' });
  await expect(library.delete(replaced.id, own)).rejects.toThrow('did not download');

  // Located to a user's own file, with other content and with the same.
  const located = await downloaded('located.gguf');
  expect(await library.locate(located.id, mine)).toMatchObject({ source: 'file', path: mine });
  await expect(library.delete(located.id, own)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  const copied = await downloaded('copied.gguf');
  const copy = await file(models, 'copy.gguf', 100);
  expect(await library.locate(copied.id, copy)).toMatchObject({ source: 'file', path: copy });
  await expect(library.delete(copied.id, own)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  expect((await readdir(models)).sort()).toEqual([
    'copied.gguf',
    'copy.gguf',
    'located.gguf',
    'mine.gguf',
    'replaced.gguf',
  ]);
});

test('files downloaded by an earlier version are deleted only from Tokenscope’s own folder', async () => {
  const { library, dataFolder } = await setUp();
  const own = join(dataFolder, 'models');
  for (const folder of [own, await temporaryFolder()]) {
    const path = await file(folder, 'story.gguf', 100);
    const { id } = await library.add(path, { source: 'download', sha256: await sha256OfFile(path) });
    if (folder === own) {
      await library.delete(id, own);
      expect(await readdir(folder)).toEqual([]);
    } else await expect(library.delete(id, own)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  }
});

test('a moved model keeps its id, hash and measurements; a different file does not', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  const path = await file(models, 'story.gguf', 100);
  const { id } = await library.add(path);
  await library.hashed(id, 'a'.repeat(64));
  const rate = { executor: 'wasm', threads: 2, prefillTokensPerSecond: 9, decodeTokensPerSecond: 3 } as const;
  await library.measured(id, { ...rate, at: '2026-01-01T00:00:00.000Z' });
  await library.measured(id, { ...rate, decodeTokensPerSecond: 4, at: '2026-01-02T00:00:00.000Z' });
  await rename(path, join(models, 'moved.gguf'));
  expect(await library.listing(id)).toMatchObject({ state: 'missing' });
  expect(await library.locate(id, join(models, 'moved.gguf'))).toMatchObject({
    ...{ id, state: 'ok', sha256: 'a'.repeat(64) },
    measured: [{ decodeTokensPerSecond: 4 }],
  });
  const other = await file(models, 'other.gguf', 50);
  expect(await library.locate(id, other)).toMatchObject({ id, path: other, sha256: null, measured: [] });
  const second = await library.add(join(models, 'moved.gguf'));
  await expect(library.locate(second.id, other)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(library.locate('none', other)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

test('two instances on the same folder see each other’s models and lose none', async () => {
  const first = await setUp();
  const second = await setUp(first.dataFolder);
  const models = await temporaryFolder();
  const paths = await Promise.all(Array.from({ length: 12 }, (_, i) => file(models, `story-${i}.gguf`, i + 1)));
  await Promise.all(paths.map((path, i) => (i % 2 === 0 ? first : second).library.add(path)));
  const seen = await Promise.all([first.library.list(), second.library.list()]);
  for (const listings of seen) expect(listings.map(({ path }) => path).sort()).toEqual([...paths].sort());
  expect(new Set(seen[0]?.map(({ id }) => id)).size).toBe(12);
});

test('names ids after models, once each, and not after built-in ones', async () => {
  const { library } = await setUp();
  const add = async (folder: string, name: string) => (await library.add(await file(folder, name))).id;
  const [a, b] = [await temporaryFolder(), await temporaryFolder()];
  expect(await add(a, 'Tiny-Transformer.gguf')).toBe('tiny-transformer-2');
  expect(await add(a, 'Ä b (1).gguf')).toBe('a-b-1');
  expect(await add(b, 'Ä b (1).gguf')).toBe('a-b-1-2');
  expect(await add(a, '模型.gguf')).toBe('model');
});

test('accepts a GGUF file of any name, and a folder that contains one', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  await writeFile(join(models, 'sha256-abc'), 'GGUF and more');
  expect(await library.add(join(models, 'sha256-abc'), { source: 'ollama', name: 'tiny:1b' })).toMatchObject({
    ...{ id: 'tiny-1b', name: 'tiny:1b', source: 'ollama' },
  });
  expect((await library.files('tiny-1b')).files).toMatchObject([{ name: 'sha256-abc.gguf' }]);
  const folder = join(models, 'one');
  await file(folder, 'story-00001-of-00002.gguf');
  await file(folder, 'story-00002-of-00002.gguf');
  expect(await library.add(folder)).toMatchObject({ path: join(folder, 'story-00001-of-00002.gguf'), fileBytes: 20 });
  await file(folder, 'other.gguf');
  await expect(library.add(folder)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('a split GGUF is found in a folder with thousands of other files', async () => {
  const { library } = await setUp();
  const folder = await temporaryFolder();
  const first = await file(folder, 'story-00001-of-00002.gguf');
  await file(folder, 'story-00002-of-00002.gguf');
  await Promise.all(Array.from({ length: 2000 }, (_, i) => writeFile(join(folder, `${i}.txt`), '')));
  const { id } = await library.add(first);
  expect(await library.listing(id)).toMatchObject({ path: first, fileBytes: 20, state: 'ok' });
  await expect(library.add(folder)).rejects.toThrow('more than 2000 files. Open the model file itself.');
});
