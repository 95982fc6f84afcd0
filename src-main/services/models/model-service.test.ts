/** Model-related calls of a page to the app's services. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hubPath, startDownloadServer } from '../../../e2e/support/download-server.ts';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import { LocalAppServices, type LocalServicesOptions } from '../app-services.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { exampleEntry } from './test-support/example-entry.ts';

const BYTES = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(50_000, 7)]);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

async function setUp(options: Partial<LocalServicesOptions> = {}) {
  const folder = await temporaryFolder();
  const server = await startDownloadServer();
  onTestFinished(() => server.close());
  const free = exampleEntry({ bytes: BYTES.length, sha256: SHA256 });
  const terms = exampleEntry({ id: 'with-terms', license: { name: 'T', url: 'https://example.org', kind: 'terms' } });
  server.serve(hubPath(free.repository, free.revision, free.file), BYTES);
  const catalogue = { $schema: './catalogue.schema.json', hub: 'https://hub.invalid', models: [free, terms] };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
  const modelsDir = join(folder, 'built-in');
  await mkdir(join(modelsDir, 'tiny-transformer'), { recursive: true });
  for (const name of ['model.safetensors', 'tokenizer.json', 'config.json']) {
    await writeFile(join(modelsDir, 'tiny-transformer', name), '');
  }
  const events: EmittedEvent[] = [];
  const services = new LocalAppServices({
    host: 'electron',
    dataFolder: join(folder, 'data'),
    modelsDir,
    cataloguePath: join(folder, 'catalogue.json'),
    openExternal: async () => undefined,
    restartEngine: async () => undefined,
    ...options,
  });
  await services.start();
  onTestFinished(() => services.stop());
  services.onEvent((event) => events.push(event));
  await services.invoke('settingsSet', { downloads: { proxy: null, mirror: server.url } });
  return { folder, server, services, events };
}

test('no request is sent before a click; a click downloads, and is logged', async () => {
  const { services, server, events, folder } = await setUp();
  for (const method of ['modelsList', 'catalogueList', 'downloadsList', 'modelsFound', 'modelsFolder'] as const) {
    await services.invoke(method);
  }
  await expect(
    services.invoke('downloadStart', { catalogueId: 'with-terms', termsAccepted: false }),
  ).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining('Read and accept the terms') as string,
  });
  await expect(services.invoke('downloadResume', 'tiny-1m')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  expect(await services.invoke('networkLog')).toEqual([]);
  expect(server.requests).toEqual([]);

  const started = await services.invoke('downloadStart', { catalogueId: 'tiny-1m', termsAccepted: false });
  expect(started).toMatchObject({ id: 'tiny-1m', url: expect.stringContaining(server.url) as string });
  await vi.waitFor(async () => expect(await services.invoke('downloadsList')).toMatchObject([{ phase: 'done' }]));
  expect(await services.invoke('networkLog')).toMatchObject([
    { result: 'done', bytes: BYTES.length, note: expect.stringContaining('started by you') as string },
  ]);
  expect(events.some((event) => event.type === 'models')).toBe(true);
  expect(events.findLast((event) => event.type === 'downloads')).toMatchObject({ downloads: [{ modelId: 'tiny-1m' }] });
  expect(await services.invoke('modelsList')).toMatchObject([
    { builtIn: true },
    { id: 'tiny-1m', source: 'download', catalogueId: 'tiny-1m', sha256: SHA256 },
  ]);

  expect(await services.invoke('modelVerify', 'tiny-1m')).toMatchObject({ matches: true, expectedFrom: 'catalogue' });
  expect(events.findLast((event) => event.type === 'verify')).toMatchObject({ bytes: BYTES.length });
  await services.invoke('modelDelete', 'tiny-1m');
  expect(await readdir(join(folder, 'data', 'models'))).toEqual([]);
  expect(await services.invoke('modelsList')).toHaveLength(1);
});

test('a model whose file was deleted can be downloaded again, and remains the same model', async () => {
  const { services, folder } = await setUp();
  const download = async () => {
    await services.invoke('downloadStart', { catalogueId: 'tiny-1m', termsAccepted: false });
    await vi.waitFor(async () => expect(await services.invoke('downloadsList')).toMatchObject([{ phase: 'done' }]));
  };
  const entry = async () => (await services.invoke('catalogueList'))[0];
  await download();
  expect(await entry()).toMatchObject({ id: 'tiny-1m', modelId: 'tiny-1m' });
  await rm(join(folder, 'data', 'models', 'tiny.gguf'));
  expect(await entry()).toMatchObject({ id: 'tiny-1m', modelId: null });
  await download();
  expect(await entry()).toMatchObject({ id: 'tiny-1m', modelId: 'tiny-1m' });
  expect(await services.invoke('modelsList')).toMatchObject([
    { builtIn: true },
    { id: 'tiny-1m', state: 'ok', source: 'download' },
  ]);
});

test('usage and measurements are recorded, also for the built-in model', async () => {
  const { services } = await setUp();
  await services.invoke('modelUsed', 'tiny-transformer');
  const rate = { executor: 'wasm', threads: 2, prefillTokensPerSecond: null, decodeTokensPerSecond: 5 } as const;
  await services.invoke('modelMeasured', 'tiny-transformer', { ...rate, at: '2026-01-01T00:00:00.000Z' });
  expect(await services.invoke('modelsList')).toMatchObject([
    { lastUsedAt: expect.any(String) as string, measured: [{ decodeTokensPerSecond: 5 }] },
  ]);
});

test('files are chosen, located and shown if there are dialogs, and deleted only if they were downloaded', async () => {
  const folder = await temporaryFolder();
  const chosen: (string | null)[] = [];
  const shown: string[] = [];
  const { services } = await setUp({
    chooseModel: async () => chosen.shift() ?? null,
    chooseFolder: async () => chosen.shift() ?? null,
    showInFolder: (path) => void shown.push(path),
  });
  const path = join(folder, 'story.gguf');
  await writeFile(path, BYTES);
  chosen.push(path, null, path);
  expect(await services.invoke('modelOpen')).toMatchObject({ id: 'story', path });
  expect(await services.invoke('modelLocate', 'story')).toBeNull();
  expect(await services.invoke('modelLocate', 'story')).toMatchObject({ id: 'story', path });
  await services.invoke('modelShowInFolder', 'story');
  expect(shown).toEqual([path]);
  await expect(services.invoke('modelDelete', 'story')).rejects.toThrow('did not download');
  expect(await readdir(folder)).toEqual(['story.gguf']);
  chosen.push(folder);
  expect(await services.invoke('modelsFolderChoose')).toMatchObject({ path: folder, isDefault: false });
  expect(await services.invoke('modelsFolderReset')).toMatchObject({ isDefault: true });
});

test('reports a change of the models folder to the pages', async () => {
  const folder = await temporaryFolder();
  const { services, events } = await setUp({ chooseFolder: async () => folder });
  for (const method of ['modelsFolderChoose', 'modelsFolderReset'] as const) {
    events.length = 0;
    await services.invoke(method);
    expect(events).toContainEqual({ type: 'models' });
  }
});

test('a file that the catalogue offers is recognised, until its content changes', async () => {
  const folder = await temporaryFolder();
  const chosen: string[] = [];
  const { services } = await setUp({ chooseModel: async () => chosen.shift() ?? null });
  const other = Buffer.from(BYTES).fill(8, 100);
  for (const [name, bytes] of Object.entries({ mine: BYTES, other })) {
    const path = join(folder, `${name}.gguf`);
    await writeFile(path, bytes);
    chosen.push(path);
  }
  const { path } = (await services.invoke('modelOpen')) ?? {};
  const recognised = { id: 'mine', name: 'Tiny 1M', path, catalogueId: 'tiny-1m', sha256: SHA256, source: 'file' };
  const find = async (id: string) => (await services.invoke('modelsList')).find((model) => model.id === id);
  await vi.waitFor(async () => expect(await find('mine')).toMatchObject(recognised));
  expect((await services.invoke('catalogueList'))[0]).toMatchObject({ id: 'tiny-1m', modelId: 'mine' });
  // The same size, but not the same content.
  await services.invoke('modelOpen');
  await vi.waitFor(async () => expect(await find('other')).toMatchObject({ sha256: expect.any(String) as string }));
  expect(await find('other')).toMatchObject({ name: 'other', catalogueId: null });

  // Another content at the same path.
  await writeFile(join(folder, 'other.gguf'), BYTES);
  await services.invoke('modelAccept', 'other');
  await vi.waitFor(async () => expect(await find('other')).toMatchObject({ name: 'Tiny 1M', catalogueId: 'tiny-1m' }));
  await services.invoke('modelRemove', 'other');

  await writeFile(path ?? '', Buffer.concat([BYTES, BYTES]));
  expect(await services.invoke('modelAccept', 'mine')).toMatchObject({ name: 'mine', catalogueId: null, sha256: null });
  expect((await services.invoke('catalogueList'))[0]).toMatchObject({ id: 'tiny-1m', modelId: null });
});

test('a removed model can be restored, with what is known about it', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'mine.gguf');
  const { services } = await setUp({ chooseModel: async () => path });
  await writeFile(path, BYTES);
  await services.invoke('modelOpen');
  await services.invoke('modelVerify', 'mine');
  const find = async () => (await services.invoke('modelsList')).find((model) => model.id === 'mine');
  await vi.waitFor(async () => expect(await find()).toMatchObject({ catalogueId: 'tiny-1m' }));
  const before = await find();
  expect(before).toMatchObject({ id: 'mine', path, sha256: SHA256, source: 'file' });
  await services.invoke('modelRemove', 'mine');
  expect(await find()).toBeUndefined();
  expect(await services.invoke('modelRestore', 'mine')).toEqual(before);
  expect(await find()).toEqual(before);
  await expect(services.invoke('modelRestore', 'mine')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

test('in a browser, calls that need a path say what to do instead', async () => {
  const { services } = await setUp({ host: 'web' });
  const calls = [
    services.invoke('modelOpen'),
    services.invoke('modelsFolderChoose'),
    services.addModel('/any/path.gguf'),
  ];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(services.invoke('modelLocate', 'none')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});
