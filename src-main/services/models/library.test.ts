import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-support/support.ts';
import { ModelLibrary } from './library.ts';

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

test('remembers a file by where it lies, over a restart, under an id that a person can type', async () => {
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

test('says that a file is gone, finds it again, and forgets it on demand', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  const path = await file(models, 'story.gguf');
  const { id } = await library.add(path);
  await rename(path, `${path}.away`);
  expect(await library.list()).toMatchObject([
    { id, fileBytes: 0, problem: expect.stringContaining('not there any more') },
  ]);
  await rename(`${path}.away`, path);
  expect(await library.list()).toMatchObject([{ id, problem: null }]);
  await library.remove(id);
  expect(await library.list()).toEqual([]);
  expect(library.find(id)).toBeNull();
  expect((await readFile(path)).length).toBe(10);
});

test('takes a folder, also by its config.json or its weights, and counts its model files', async () => {
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

test('counts the parts of a split file and names it without its number', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  const first = await file(models, 'big-00001-of-00002.gguf', 10);
  await file(models, 'big-00002-of-00002.gguf', 20);
  await file(models, 'other-00001-of-00002.gguf', 40);
  expect(await library.add(first)).toMatchObject({ name: 'big', fileBytes: 30 });
});

test('refuses what is no model and what is not there', async () => {
  const { library } = await setUp();
  const models = await temporaryFolder();
  await expect(library.add(await file(models, 'notes.txt'))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(library.add(models)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(library.add(join(models, 'no.gguf'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect(await library.list()).toEqual([]);
});

test('puts a damaged list aside and begins anew', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'models.json'), '{"models": [{"id": "../x"}]}');
  const { library, notices } = await setUp(folder);
  expect(notices).toEqual([expect.stringContaining('models.json.corrupt')]);
  const path = await file(await temporaryFolder(), 'story.gguf');
  await library.add(path);
  expect(JSON.parse(await readFile(join(folder, 'models.json'), 'utf8'))).toMatchObject({ models: [{ path }] });
});

test('holds what it cannot save, and says so', async () => {
  const { library, notices, dataFolder } = await setUp();
  await mkdir(join(dataFolder, 'models.json'));
  const path = await file(await temporaryFolder(), 'story.gguf');
  const { id } = await library.add(path);
  expect(library.find(id)?.path).toBe(path);
  expect(notices).toEqual([expect.stringContaining('only until the app ends')]);
});
