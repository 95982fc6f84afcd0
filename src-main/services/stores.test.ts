import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { InstanceLock } from './instance-lock.ts';
import { putAside, readJson, storageError, writeJson } from './json-file.ts';
import { SettingsStore } from './settings-store.ts';
import { temporaryFolder } from './test-support/support.ts';

async function setUp(folder?: string) {
  folder ??= await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 200, settleMs: 10 });
  await lock.start();
  onTestFinished(() => lock.release());
  const notices: string[] = [];
  const notice = (message: string) => notices.push(message);
  const settings = new SettingsStore(folder, lock, notice);
  return { folder, lock, notices, settings };
}

test('settings start as the defaults, merge, and come back', async () => {
  const { settings, folder } = await setUp();
  await settings.load();
  expect(settings.value.theme).toBe('system');
  await Promise.all([
    settings.set({ theme: 'dark' }),
    settings.set({ useKvCache: false }),
    settings.set({ theme: 'light' }),
  ]);
  const again = await setUp(folder);
  await again.settings.load();
  expect(again.settings.value).toMatchObject({ theme: 'light', useKvCache: false, tokensView: false });
});

test('damaged settings are kept aside, the defaults hold and are told of', async () => {
  const { settings, folder, notices } = await setUp();
  await writeFile(join(folder, 'settings.json'), '{"theme":"da');
  await settings.load();
  expect(settings.value.theme).toBe('system');
  expect(await readFile(join(folder, 'settings.json.corrupt'), 'utf8')).toBe('{"theme":"da');
  expect(notices[0]).toContain('settings.json.corrupt');
});

test('a setting changed while read-only holds here and is saved after the takeover', async () => {
  const first = await setUp();
  const second = await setUp(first.folder);
  await first.settings.set({ theme: 'dark', tokensView: true });
  await second.settings.load();
  await second.settings.set({ theme: 'contrast' });
  expect(JSON.parse(await readFile(join(first.folder, 'settings.json'), 'utf8'))).toMatchObject({ theme: 'dark' });
  await first.lock.release();
  await expect.poll(() => second.lock.problem).toBeNull();
  await second.settings.load();
  await second.settings.saveUnsaved();
  expect(JSON.parse(await readFile(join(first.folder, 'settings.json'), 'utf8'))).toMatchObject({
    theme: 'contrast',
    tokensView: true,
  });
});

test('a write that fails leaves the old file and says what to do', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'value.json');
  await writeJson(path, { value: 1 });
  await expect(writeJson(path, { value: 1n })).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readJson(path)).toEqual({ state: 'read', value: { value: 1 } });
  expect(await readdir(folder)).toEqual(['value.json']);
  await expect(readJson(folder)).rejects.toMatchObject({ code: 'STORAGE' });
});

test('a full disk is named, with the way out', () => {
  const error = storageError('write', '/data/a.json', Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
  expect(error.code).toBe('STORAGE');
  expect(error.message).toContain('the disk is full. Free some space');
});

test('a second damaged file of the same name does not replace the first', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'x.json');
  for (const text of ['one', 'two']) {
    await writeFile(path, text);
    await putAside(path);
  }
  expect(await readFile(`${path}.corrupt`, 'utf8')).toBe('one');
  expect(await readFile(`${path}.corrupt-2`, 'utf8')).toBe('two');
});
