import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Settings } from '../protocol/app/app-services.ts';
import { laneSettings } from '../protocol/app/comparisons/test-support/comparisons.ts';
import { defaultModelSettings } from '../protocol/app/settings-schemas.ts';
import { InstanceLock } from './instance-lock.ts';
import { SettingsStore, storedTheme } from './settings-store.ts';
import { temporaryFolder } from './test-support/support.ts';

async function setUp(folder?: string) {
  folder ??= await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 60_000, settleMs: 10 });
  await lock.start();
  onTestFinished(() => lock.release());
  const notices: string[] = [];
  const settings = new SettingsStore(folder, lock, (message) => notices.push(message), 50);
  onTestFinished(() => settings.stop());
  return { folder, lock, notices, settings };
}

async function stored(folder: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, 'settings.json'), 'utf8'));
}

test('the theme is known before the settings are loaded, and a damaged file stays', async () => {
  const { settings, folder, notices } = await setUp();
  expect(await storedTheme(folder)).toBe('system');
  await settings.load();
  await settings.set({ theme: 'dark' });
  expect(await storedTheme(folder)).toBe('dark');
  await writeFile(join(folder, 'settings.json'), '{ damaged');
  expect(await storedTheme(folder)).toBe('system');
  expect(await readFile(join(folder, 'settings.json'), 'utf8')).toBe('{ damaged');
  expect(notices).toEqual([]);
});

test('settings start as the defaults, merge, and are read again', async () => {
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

test('damaged settings are renamed, and the defaults are used, with a notice', async () => {
  const { settings, folder, notices } = await setUp();
  await writeFile(join(folder, 'settings.json'), '{"theme":"da');
  await settings.load();
  expect(settings.value.theme).toBe('system');
  expect(await readFile(join(folder, 'settings.json.corrupt'), 'utf8')).toBe('{"theme":"da');
  expect(notices[0]).toContain('settings.json.corrupt');
});

test('a setting changed while read-only takes effect here and is saved after the takeover', async () => {
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

test('settings of models and saved lanes of two instances are merged by entry at the takeover', async () => {
  const first = await setUp();
  const model = (contextSize: number) => ({ ...defaultModelSettings(), contextSize });
  const set = (id: string, label = id) => ({ id, name: id, lanes: [laneSettings(label)] });
  await first.settings.set({
    perModel: { shared: model(1), removed: model(2), theirs: model(3) },
    laneSets: [set('removed'), set('shared'), set('theirs')],
    lessonAnswered: ['one'],
  });
  const second = await setUp(first.folder);
  await second.settings.load();
  await second.settings.set({
    perModel: { shared: model(10), theirs: model(3), mine: model(4) },
    laneSets: [set('shared', 'changed'), set('theirs'), set('mine')],
    lessonAnswered: ['one', 'two'],
  });
  await first.settings.set({
    perModel: { shared: model(1), removed: model(2), theirs: model(30), other: model(5) },
    laneSets: [set('removed'), set('shared'), set('other')],
    lessonAnswered: ['one', 'three'],
  });
  await first.lock.release();
  await expect.poll(() => second.lock.problem).toBeNull();
  await second.settings.load();
  await second.settings.saveUnsaved();
  const merged = {
    perModel: { theirs: model(30), other: model(5), shared: model(10), mine: model(4) },
    laneSets: [set('other'), set('shared', 'changed'), set('mine')],
    lessonAnswered: ['one', 'three', 'two'],
  };
  expect(await stored(first.folder)).toMatchObject(merged);
  // Also if it is read again.
  await second.settings.load();
  expect(second.settings.value).toMatchObject(merged);
  expect(Object.keys(second.settings.value.perModel)).not.toContain('removed');
});

test('a change during the loss of the lock is kept, and saved at the next takeover', async () => {
  const folder = await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 60_000, staleMs: 60_000, settleMs: 10 });
  await lock.start();
  onTestFinished(() => lock.release());
  const settings = new SettingsStore(folder, lock, () => undefined);
  await settings.load();
  // This process slept, and another took over; nobody has noticed yet.
  await rm(join(folder, 'instance.lock'));
  const other = await setUp(folder);
  await other.settings.load();
  await other.settings.set({ tokensView: true });
  expect(lock.problem).toBeNull();
  expect(await settings.set({ theme: 'contrast' })).toMatchObject({ theme: 'contrast' });
  expect(lock.problem).not.toBeNull();
  expect(await stored(folder)).toMatchObject({ theme: 'system', tokensView: true });

  await other.lock.release();
  // Checks at once, like the next heartbeat.
  await lock.start();
  expect(lock.problem).toBeNull();
  await settings.load();
  await settings.saveUnsaved();
  expect(settings.value).toMatchObject({ theme: 'contrast', tokensView: true });
  expect(await stored(folder)).toMatchObject({ theme: 'contrast', tokensView: true });
});

test('an unsaved change takes effect, is reported, and is saved automatically once that is possible', async () => {
  const { settings, folder } = await setUp();
  await settings.load();
  // A file cannot be renamed to the path of a folder.
  await mkdir(join(folder, 'settings.json', 'inside'), { recursive: true });
  await expect(settings.set({ theme: 'dark' })).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('keeps trying to save it') as string,
  });
  expect(settings.value.theme).toBe('dark');
  await rm(join(folder, 'settings.json'), { recursive: true });
  await expect.poll(() => stored(folder).catch(() => null)).toMatchObject({ theme: 'dark' });
  // The next change needs no retry.
  await settings.set({ theme: 'light' });
  expect(await stored(folder)).toMatchObject({ theme: 'light' });
  expect((await readdir(folder)).sort()).toEqual(['instance.lock', 'settings.json']);
});

test('unsaved changes are tried once more at the end', async () => {
  const folder = await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 60_000, settleMs: 10 });
  await lock.start();
  onTestFinished(() => lock.release());
  const settings = new SettingsStore(folder, lock, () => undefined, 60_000);
  await settings.load();
  await mkdir(join(folder, 'settings.json'));
  await expect(settings.set({ theme: 'dark' })).rejects.toMatchObject({ code: 'STORAGE' });
  await rm(join(folder, 'settings.json'), { recursive: true });
  await settings.stop();
  expect(await stored(folder)).toMatchObject({ theme: 'dark' });
});

/** Defaults of the settings that the first release did not have. */
const ADDED_SINCE = {
  fullChain: false,
  lastModelId: null,
  laneSets: [],
  lessonAnswered: [],
  rawReplies: false,
  tokenColours: { by: 'probability', doubtBelow: 0.5 },
  updates: { automatic: false },
  textSize: 'medium',
  density: 'comfortable',
  sendWith: 'enter',
  tourSeen: false,
  storePrefix: true,
  speculate: true,
};

test('settings of the first release are read, and get a version with the next change', async () => {
  const { settings, folder, notices } = await setUp();
  const fixture = await readFile(new URL('./fixtures/v1/settings.json', import.meta.url), 'utf8');
  await writeFile(join(folder, 'settings.json'), fixture);
  await settings.load();
  const known = { ...ADDED_SINCE, ...(JSON.parse(fixture) as object) };
  expect(settings.value).toEqual(known);
  expect(await readFile(join(folder, 'settings.json'), 'utf8')).toBe(fixture);
  await settings.set({ theme: 'light' });
  expect(await stored(folder)).toEqual({ ...known, theme: 'light', version: 1 });
  expect(notices).toEqual([]);
});

test('unknown keys are preserved', async () => {
  const { settings, folder } = await setUp();
  const fixture = await readFile(new URL('./fixtures/v1/settings.json', import.meta.url), 'utf8');
  const known = JSON.parse(fixture) as Settings & { perModel: Record<string, object> };
  const tiny = known.perModel['tiny-transformer'];
  const newer = {
    ...known,
    version: 1,
    shortcuts: { send: 'Ctrl+Enter' },
    panel: { ...known.panel, width: 320 },
    perModel: {
      ...known.perModel,
      'tiny-transformer': { ...tiny, colour: 'red', sampling: { mirostat: 2, topK: 20 } },
    },
  };
  await writeFile(join(folder, 'settings.json'), JSON.stringify(newer));
  await settings.load();
  expect(settings.value).not.toHaveProperty('shortcuts');
  await settings.set({ panel: { open: false, tab: 'stop' }, theme: 'light' });
  const changed = { theme: 'light', panel: { open: false, tab: 'stop', width: 320 } };
  expect(await stored(folder)).toEqual({ ...ADDED_SINCE, ...newer, ...changed });
  // Resetting settings also removes unknown keys in them.
  await settings.set({ perModel: {} });
  expect(await stored(folder)).toMatchObject({ shortcuts: { send: 'Ctrl+Enter' }, perModel: {} });
});

test('a file of a later version is not changed, with a notice, and changes stay in memory', async () => {
  const { settings, folder, notices } = await setUp();
  const later = JSON.stringify({ version: 2, theme: 'dark', tokensView: 'sometimes' });
  await writeFile(join(folder, 'settings.json'), later);
  await settings.load();
  expect(settings.value).toMatchObject({ theme: 'dark', tokensView: false });
  expect(await settings.set({ theme: 'light' })).toMatchObject({ theme: 'light' });
  await settings.set({ tokensView: true });
  await settings.stop();
  expect(settings.value).toMatchObject({ theme: 'light', tokensView: true });
  expect(await readFile(join(folder, 'settings.json'), 'utf8')).toBe(later);
  expect(notices).toEqual([expect.stringContaining('newer version of Tokenscope')]);
});

test.each(['a folder', 'a link to itself'])(
  '%s instead of the file: the defaults are used, and it is kept',
  async (what) => {
    const { settings, folder, notices } = await setUp();
    const path = join(folder, 'settings.json');
    await (what === 'a folder' ? mkdir(path) : symlink(path, path));
    await settings.load();
    expect(settings.value.theme).toBe('system');
    expect(await settings.set({ theme: 'light' })).toMatchObject({ theme: 'light' });
    expect(notices).toEqual([expect.stringContaining('The file was not changed')]);
    expect((await readdir(folder)).sort()).toEqual(['instance.lock', 'settings.json']);

    // Once it can be read, changes are saved.
    await rm(path, { recursive: true });
    await writeFile(path, '{"theme":"dark","whenFull":"shift"}');
    await settings.set({ tokensView: true });
    expect(await stored(folder)).toMatchObject({ theme: 'light', whenFull: 'shift', tokensView: true });
  },
);

test('JSON without settings is renamed too', async () => {
  const { settings, folder, notices } = await setUp();
  await writeFile(join(folder, 'settings.json'), '[1]');
  await settings.load();
  expect(await readFile(join(folder, 'settings.json.corrupt'), 'utf8')).toBe('[1]');
  expect(notices).toHaveLength(1);
});
