/** The library: models that are added, moved, changed, found elsewhere, measured, unloaded. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { hfFolderBytes } from '../src-main/engine/test-support/hf-fixtures.ts';
import { tinyGguf } from '../src-main/engine/test-support/tiny-gguf.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { expect, test, type Hub, type RunningApp } from './support/hub.ts';
import { writeTinyModel } from './support/model-files.ts';

async function tokenscope(dataDir: string, ...args: string[]): Promise<unknown> {
  const command = [join(root, 'scripts/tokenscope.mjs'), ...args, '--json'];
  const { code, stdout, stderr } = await capture(process.execPath, command, {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

async function open(app: RunningApp): Promise<{ chat: ChatPage; models: ModelsPage }> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  return { chat, models };
}

/** Reloads the list, as after switching windows. */
async function lookAgain(models: ModelsPage): Promise<void> {
  await models.id('nav-chat').click();
  await models.show();
}

test(
  'a model added in the terminal is listed and can be used; once moved, its card says so until it is located',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const { chat, models } = await open(app);
    const path = await writeTinyModel(dataDir, 'llama');
    expect(await tokenscope(dataDir, 'models', 'add', path)).toMatchObject({ id: 'llama' });
    await lookAgain(models);
    await models.load('tiny-llama');
    await expect(models.card('tiny-llama')).toContainText('used just now');
    await models.card('tiny-llama').getByTestId('use-model').click();
    await chat.openPanel('stop');
    await chat.set('maxTokens', 4);
    await chat.ask('Once upon a time');

    const moved = join(dataDir, 'moved.gguf');
    await rename(path, moved);
    await models.show();
    const missing = models.cardOf('llama');
    await expect(missing).toContainText('Missing');
    await expect(missing.getByTestId('model-problem')).toContainText('no longer exists');
    if (app.host === 'electron') {
      await models.locate('llama', moved);
    } else {
      const command = await missing.getByTestId('locate-command').textContent();
      expect(command).toBe('npx tokenscope models locate llama PATH');
      await tokenscope(dataDir, 'models', 'locate', 'llama', moved);
      await lookAgain(models);
    }
    // By its id, because a file of the catalogue gets its name.
    await expect(models.cardOf('llama')).toContainText(/Loaded|Ready/);
    await expect(models.id('last-settings')).toContainText('Token limit 4 tokens');
  },
);

test(
  'a file of the catalogue gets its name, and is not offered for download again',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    const path = join(dataDir, 'mine.gguf');
    await writeFile(path, hub.bytes);
    await tokenscope(dataDir, 'models', 'add', path);
    const { models } = await open(app);
    await expect(models.cardOf('mine').getByRole('heading')).toHaveText(hub.tiny.name);
    await models.expectPhase(hub.tiny.id, 'here');
    await models.load(hub.tiny.name);
    await expect(models.id('sidebar-model')).toContainText(hub.tiny.name);
    expect(await app.services.invoke('networkLog')).toEqual([]);
  },
);

test('a replaced file is noticed, reported, and accepted on demand', { tag: '@full' }, async ({ app, dataDir }) => {
  const { models } = await open(app);
  // Its size is none of the catalogue's, or it would be recorded already.
  const path = await writeTinyModel(dataDir, 'gemma3');
  await tokenscope(dataDir, 'models', 'add', path);
  await lookAgain(models);
  await expect(models.card('tiny-gemma3')).toContainText('Ready');
  await models.menu('tiny-gemma3', 'verify-model');
  await expect(models.id('file-check')).toContainText('Recorded');
  await models.menu('tiny-gemma3', 'verify-model');
  await expect(models.id('file-check')).toContainText('The file is intact');

  await writeFile(path, await tinyGguf('qwen2'));
  await lookAgain(models);
  const card = models.cardOf('gemma3');
  await expect(card).toContainText('Changed');
  await expect(card.getByTestId('model-problem')).toContainText('changed since it was added');
  await card.getByTestId('accept-model').click();
  await expect(card).toContainText('Ready');
  await expect(models.id('detail-name')).toHaveText('tiny-qwen2');
});

test('the model in memory is reloaded when a replaced file is accepted', { tag: '@full' }, async ({ app, dataDir }) => {
  const { chat, models } = await open(app);
  const inMemory = chat.id('sidebar-model').locator('.name');
  const path = await writeTinyModel(dataDir, 'llama');
  await tokenscope(dataDir, 'models', 'add', path);
  await lookAgain(models);
  await models.load('tiny-llama');
  await expect(inMemory).toHaveText('tiny-llama');

  await writeFile(path, await tinyGguf('qwen2'));
  await lookAgain(models);
  const card = models.cardOf('llama');
  await expect(card).toContainText('Loaded');
  await expect(card.getByTestId('model-problem')).toContainText('changed since it was added');
  await expect(inMemory).toHaveText('tiny-llama');
  await card.getByTestId('accept-model').click();
  await expect(card).toContainText('Loaded');
  await expect(card.getByTestId('model-problem')).toBeHidden();
  await expect(inMemory).toHaveText('tiny-qwen2');
});

test('a folder of several files loads by its id', { tag: '@full' }, async ({ app, dataDir }) => {
  const { models } = await open(app);
  const folder = join(dataDir, 'sharded');
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(hfFolderBytes('llama-sharded')))
    await writeFile(join(folder, name), bytes);
  await tokenscope(dataDir, 'models', 'add', folder);
  await lookAgain(models);
  await models.load('sharded');
  await expect(models.card('sharded')).toContainText('safetensors');
});

test('Ollama’s models are offered, used in place, and not changed', { tag: '@full' }, async ({ app, hub }) => {
  await putIntoOllama(hub);
  const { models } = await open(app);
  const offer = models.id('found-model');
  await expect(offer).toHaveCount(1);
  await expect(offer).toContainText('story:latest');
  await expect(offer).toContainText('Ollama');
  await offer.getByTestId('add-found').click();
  await expect(offer).toBeHidden();
  await models.load('tiny-llama');
  await expect(models.id('detail')).toContainText('Source Ollama');
  // What another program keeps is not Tokenscope's to delete.
  await models.card('tiny-llama').getByTestId('model-menu').click();
  await expect(models.id('remove-model')).toBeVisible();
  await expect(models.id('delete-model')).toBeHidden();
  await models.id('remove-model').click();
  await expect(models.card('tiny-llama')).toBeHidden();
  await models.id('look-again').click();
  await expect(offer).toContainText('story:latest');
  expect(await readdir(join(hub.places.ollama, 'blobs'))).toHaveLength(1);
  expect(await app.services.invoke('networkLog')).toEqual([]);
});

test(
  'its rate is measured on a click, its context is remembered, and both are restored after a restart',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    let { models } = await open(app);
    await tokenscope(dataDir, 'models', 'add', await writeTinyModel(dataDir, 'llama'));
    await lookAgain(models);
    await models.select('tiny-llama');
    await expect(models.id('measured')).toContainText('No measurements yet');
    await models.id('context-size').fill('320');
    await models.id('context-size').press('Enter');
    await models.load('tiny-llama');
    await models.id('measure').click();
    await expect(models.id('measured')).toContainText(/CPU, \d+ threads?\s+[\d,.]+\stok\/s/);
    await expect(models.id('measured')).toContainText(/Prompt processing: [\d,.]+\stok\/s/);

    await app.restart();
    ({ models } = await open(app));
    await models.select('tiny-llama');
    await expect(models.id('measured')).toContainText(/[\d,.]+\stok\/s/);
    await expect(models.id('context-size')).toHaveValue('320');
    await expect(models.id('last-settings')).toContainText('Context size 320 tokens');
  },
);

test(
  'no violation with models that are missing, changed, found and verified, in any theme',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    await putIntoOllama(hub);
    const gone = await writeTinyModel(dataDir, 'llama');
    const changed = await writeTinyModel(dataDir, 'qwen2');
    for (const path of [gone, changed]) await tokenscope(dataDir, 'models', 'add', path);
    const { models } = await open(app);
    await models.menu('tiny-qwen2', 'verify-model');
    await expect(models.id('file-check')).toHaveAttribute('data-state', 'done');
    await rm(gone);
    await writeFile(changed, await tinyGguf('llama'));
    await lookAgain(models);
    await expect(models.id('model-problem')).toHaveCount(2);
    await expect(models.id('found-model')).toBeVisible();
    await expectNoViolations(app.page, 'library');
    await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'library');
  },
);

/** Adds a model like Ollama: manifests, here of two names, that refer to a file by its hash. */
async function putIntoOllama(hub: Hub): Promise<void> {
  const hash = 'a'.repeat(64);
  const manifests = join(hub.places.ollama, 'manifests/hub.example/library/story');
  await mkdir(manifests, { recursive: true });
  await mkdir(join(hub.places.ollama, 'blobs'));
  await writeFile(join(hub.places.ollama, `blobs/sha256-${hash}`), await tinyGguf('llama'));
  const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${hash}` }];
  for (const tag of ['latest', 'small']) await writeFile(join(manifests, tag), JSON.stringify({ layers }));
}
