/** The library behind the Models page: what the terminal, downloads and other programs bring, in both hosts. */
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { hfFolderBytes } from '../src-main/engine/test-support/hf-fixtures.ts';
import { tinyGguf } from '../src-main/engine/test-support/tiny-gguf.ts';
import type { Download } from '../src-main/protocol/app-services.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expect, test, type RunningApp } from './support/hub.ts';
import { writeTinyModel } from './support/model-files.ts';

async function tokenscope(dataDir: string, ...args: string[]): Promise<unknown> {
  const command = [join(root, 'scripts/tokenscope.mjs'), ...args, '--json'];
  const { code, stdout, stderr } = await capture(process.execPath, command, {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

async function download(app: RunningApp, id: string): Promise<Download> {
  const found = (await app.services.invoke('downloadsList')).find((one) => one.id === id);
  if (found === undefined) throw new Error(`There is no download ${id}.`);
  return found;
}

async function phase(app: RunningApp, id: string): Promise<string> {
  return (await download(app, id)).phase;
}

test('what the terminal adds while the app runs is listed, loads and talks; moved, it says so until it is found', async ({
  app,
  dataDir,
}) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  const path = await writeTinyModel(dataDir, 'llama');
  expect(await tokenscope(dataDir, 'models', 'add', path)).toMatchObject({ id: 'llama' });
  await models.show();
  await models.load('tiny-llama');
  await models.card('tiny-llama').getByTestId('use-model').click();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask('Once upon a time');

  await rename(path, join(dataDir, 'moved.gguf'));
  expect(await app.services.invoke('modelsList')).toMatchObject([{}, { id: 'llama', state: 'missing' }]);
  await tokenscope(dataDir, 'models', 'locate', 'llama', join(dataDir, 'moved.gguf'));
  expect(await app.services.invoke('modelsList')).toMatchObject([{}, { id: 'llama', state: 'ok' }]);
});

test('a folder of several files loads by its id', async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  const folder = join(dataDir, 'sharded');
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(hfFolderBytes('llama-sharded')))
    await writeFile(join(folder, name), bytes);
  await tokenscope(dataDir, 'models', 'add', folder);
  await models.show();
  await models.load('sharded');
});

test('no request before a click; then a download goes on after a cut, is checked, loads, and is in the log', async ({
  app,
  hub,
}) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  expect(await app.services.invoke('catalogueList')).toHaveLength(4);
  expect(await app.services.invoke('networkLog')).toEqual([]);
  expect(hub.server.requests).toEqual([]);

  hub.server.behave(hub.path(hub.tiny), { kind: 'cut', afterBytes: 200_000, times: 1 });
  await app.services.invoke('downloadStart', { catalogueId: hub.tiny.id, termsAccepted: false });
  await expect.poll(() => phase(app, hub.tiny.id)).toBe('done');
  expect(await download(app, hub.tiny.id)).toMatchObject({ hashChecked: true, modelId: hub.tiny.id });
  const log = await app.services.invoke('networkLog');
  expect(log.map(({ result }) => result)).toEqual(['failed', 'done']);
  expect(log.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(hub.tiny.bytes);
  expect(log[1]).toMatchObject({ url: hub.server.url + hub.path(hub.tiny) });
  expect(hub.server.requests).toHaveLength(2);

  await models.id('nav-chat').click();
  await models.show();
  await models.load('tiny-llama');
});

test('a download that fails says why, and nothing of it is left that could be taken for a model', async ({
  app,
  dataDir,
  hub,
}) => {
  await new ChatPage(app.page).ready();
  const fail = async (entry: { id: string }) => {
    await app.services.invoke('downloadStart', { catalogueId: entry.id, termsAccepted: true });
    await expect.poll(() => phase(app, entry.id), { timeout: 20_000 }).toBe('failed');
    return (await download(app, entry.id)).problem;
  };
  const path = hub.path(hub.tiny);
  hub.server.behave(path, { kind: 'otherBytes' });
  expect(await fail(hub.tiny)).toMatchObject({ kind: 'hash' });
  hub.server.behave(path, { kind: 'status', status: 404 });
  expect(await fail(hub.tiny)).toMatchObject({ kind: 'http', httpStatus: 404 });
  hub.server.behave(path, { kind: 'redirect', to: 'http://example.org/model' });
  expect(await fail(hub.tiny)).toMatchObject({ kind: 'redirect' });
  hub.server.behave(path, { kind: 'hang' });
  expect(await fail(hub.tiny)).toMatchObject({ kind: 'timeout' });
  const asked = hub.server.requests.length;
  expect(await fail(hub.huge)).toMatchObject({ kind: 'disk' });
  expect(hub.server.requests).toHaveLength(asked);
  expect(await readdir(join(dataDir, 'models'))).toEqual([]);

  hub.server.behave(path);
  await app.services.invoke('downloadResume', hub.tiny.id);
  await expect.poll(() => phase(app, hub.tiny.id)).toBe('done');
});

test('an app that is killed in mid-download goes on at the next start, when it is told to', async ({
  app,
  dataDir,
  hub,
}) => {
  await new ChatPage(app.page).ready();
  hub.server.behave(hub.path(hub.tiny), { kind: 'slow', chunkBytes: 50_000, waitMs: 200, times: 1 });
  await app.services.invoke('downloadStart', { catalogueId: hub.tiny.id, termsAccepted: false });
  const part = join(dataDir, 'models', `${hub.tiny.file}.part`);
  await expect.poll(async () => (await stat(part).catch(() => null))?.size ?? 0).toBeGreaterThan(100_000);
  await app.crash();
  await new ChatPage(app.page).ready();
  const left = await download(app, hub.tiny.id);
  expect(left).toMatchObject({ phase: 'paused', problem: null });
  expect(left.bytes).toBeGreaterThan(100_000);
  expect(hub.server.requests).toHaveLength(1);
  await app.services.invoke('downloadResume', hub.tiny.id);
  await expect.poll(() => phase(app, hub.tiny.id)).toBe('done');
  expect(hub.server.requests[1]?.range).toBe(`bytes=${left.bytes}-`);
});

test('what Ollama has is offered, loads where it lies, and stays as it is', async ({ app, hub }) => {
  const models = new ModelsPage(app);
  await new ChatPage(app.page).ready();
  const hash = 'a'.repeat(64);
  const manifests = join(hub.places.ollama, 'manifests/hub.example/library/story');
  await mkdir(manifests, { recursive: true });
  await mkdir(join(hub.places.ollama, 'blobs'));
  await writeFile(join(hub.places.ollama, `blobs/sha256-${hash}`), await tinyGguf('llama'));
  const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${hash}` }];
  await writeFile(join(manifests, 'latest'), JSON.stringify({ layers }));
  const { models: found } = await app.services.invoke('modelsFound');
  expect(found).toMatchObject([{ name: 'story:latest', source: 'ollama' }]);
  await app.services.invoke('modelAddFound', found[0]!.id);
  await models.show();
  await models.load('tiny-llama');
  expect(await readdir(join(hub.places.ollama, 'blobs'))).toEqual([`sha256-${hash}`]);
});
