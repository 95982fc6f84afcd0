import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AppEvent } from '../protocol/app/app-services.ts';
import { about, runtimeNote } from './about.ts';
import { answerCall } from './answer.ts';
import { LocalAppServices } from './app-services.ts';
import { dataFolder, homeFolder } from './data-folder.ts';
import { NetworkLog } from './network-log.ts';
import { pageHeaders } from './page-headers.ts';
import { fileUnder, mimeType, parseRange } from './static-files.ts';
import { ChatStore } from './chats/chat-store.ts';
import { smallChat, write } from './chats/test-support/chats.ts';
import { ComparisonStore } from './comparisons/comparison-store.ts';
import { temporaryFolder } from './test-support/support.ts';

async function started(folder: string, host: 'electron' | 'web' = 'electron') {
  const opened: string[] = [];
  const shown: string[] = [];
  const services = new LocalAppServices({
    host,
    dataFolder: folder,
    modelsDir: resolve('resources/models'),
    openExternal: async (url) => void opened.push(url),
    restartEngine: async () => undefined,
    ...(host === 'web' ? {} : { showInFolder: (path: string) => void shown.push(path) }),
    lockTimes: { beatMs: 20, staleMs: 60_000, settleMs: 10 },
  });
  await services.start();
  onTestFinished(() => services.stop());
  const events: AppEvent[] = [];
  services.onEvent((event) => events.push(event));
  return { services, events, opened, shown };
}

test('the data folder is shown by the app, and not in a browser', async () => {
  const folder = await temporaryFolder();
  const { services, shown } = await started(folder);
  await services.invoke('dataFolderShow');
  expect(shown).toEqual([folder]);
  const web = await started(await temporaryFolder(), 'web');
  await expect(web.services.invoke('dataFolderShow')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('calls are checked, executed and answered as data', async () => {
  const { services, events, opened } = await started(await temporaryFolder());
  // Waits for the index: until it is in sync, lists are notified with a delay.
  await services.invoke('chatsSearch', 'anything');
  const chat = write('chat-1', 0, smallChat());
  expect(await answerCall(services, 'chatWrite', [chat])).toEqual({ result: { revision: 5, missed: [] } });
  expect(await answerCall(services, 'chatsList', [])).toMatchObject({ result: [{ id: 'chat-1' }] });
  expect(await answerCall(services, 'chatGet', ['chat-1'])).toMatchObject({ result: { title: 'Hello world' } });
  expect(await answerCall(services, 'chatSince', ['chat-1', 4])).toMatchObject({ result: { revision: 5 } });
  const range = { id: 'chat-1', turn: 'r1', from: 0, count: 1 };
  expect(await answerCall(services, 'chatDetails', [range])).toEqual({ result: [null] });
  expect(await answerCall(services, 'openExternal', ['https://example.org/'])).toEqual({ result: null });
  expect(await answerCall(services, 'settingsSet', [{ theme: 'dark' }])).toMatchObject({ result: { theme: 'dark' } });
  expect(opened).toEqual(['https://example.org/']);
  expect(events).toMatchObject([
    { type: 'readOnly', message: null },
    { type: 'chats' },
    { type: 'chat' },
    { type: 'settings', settings: { theme: 'dark' } },
  ]);
  for (const [method, params] of [
    ['nothing', []],
    ['constructor', []],
    [undefined, undefined],
    ['chatGet', ['../x']],
    ['chatGet', [1]],
    ['chatsList', ['extra']],
    ['openExternal', ['file:///etc/passwd']],
    ['openExternal', ['javascript:alert(1)']],
    ['openExternal', ['data:text/html,x']],
    ['openExternal', ['https://user@example.org/']],
    ['settingsSet', [{ theme: 'pink' }]],
    ['settingsSet', [{ __proto__: null, unknown: 1 }]],
    ['chatWrite', [{ id: 'x' }]],
    ['chatWrite', [{ ...chat, id: '../x' }]],
    ['chatDetails', [{ ...range, count: 1025 }]],
  ] as const) {
    expect(await answerCall(services, method, params), String(method)).toMatchObject({
      error: { code: 'BAD_REQUEST' },
    });
  }
});

test('a second instance reports that it does not save settings, and saves them after the first has ended', async () => {
  const folder = await temporaryFolder();
  const first = await started(folder);
  const second = await started(folder, 'web');
  expect(first.events).toEqual([{ type: 'readOnly', message: null }]);
  expect(second.events).toMatchObject([{ type: 'readOnly', message: expect.stringContaining('the app') }]);
  // As does every later page: a second tab, or a reload.
  const late: AppEvent[] = [];
  second.services.onEvent((event) => late.push(event))();
  expect(late).toEqual(second.events);
  await first.services.invoke('chatWrite', write('one', 0, smallChat()));
  // Chats are shared.
  expect(await answerCall(second.services, 'chatWrite', [write('two', 0, smallChat())])).toMatchObject({
    result: { revision: 5 },
  });
  for (const { services } of [first, second]) {
    await expect.poll(async () => await services.invoke('chatsList')).toHaveLength(2);
  }
  await first.services.stop();
  await expect
    .poll(() => second.events.filter((event) => event.type === 'readOnly' || event.type === 'settings'))
    .toMatchObject([{ type: 'readOnly' }, { message: null }, { type: 'settings' }]);
  expect(await second.services.invoke('chatsList')).toHaveLength(2);
});

test('stopping waits for pending writes', async () => {
  const folder = await temporaryFolder();
  const { services } = await started(folder);
  const written = services.invoke('chatWrite', write('one', 0, smallChat()));
  await services.stop();
  await written;
  const again = await started(folder, 'web');
  expect(await again.services.invoke('chatGet', 'one')).toMatchObject({ revision: 5 });
});

test('every page receives the current state and all notices, including earlier ones', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'settings.json'), '{');
  await mkdir(join(folder, 'chats'));
  const { services, events } = await started(folder);
  const notice = { type: 'notice', id: expect.any(String), message: expect.stringContaining('settings') };
  expect(events).toEqual([{ type: 'readOnly', message: null }, notice]);
  services.emit({ type: 'engine', state: 'ready', message: null });
  const late: AppEvent[] = [];
  const stop = services.onEvent((event) => late.push(event));
  expect(late).toEqual([{ type: 'engine', state: 'ready', message: null }, ...events.slice(0, 2)]);
  services.emit({ type: 'notice', message: 'Again.' });
  expect(late.at(-1)).toMatchObject({ message: 'Again.' });
  expect(events.at(-1)).toEqual(late.at(-1));
  stop();
  services.emit({ type: 'chats' });
  expect(late).toHaveLength(4);
});

test('quitting waits for saves, but not for dialogs or for long', async () => {
  let inDialog = 0;
  const services = new LocalAppServices({
    host: 'electron',
    dataFolder: await temporaryFolder(),
    modelsDir: resolve('resources/models'),
    openExternal: () => new Promise(() => undefined),
    restartEngine: async () => undefined,
    // Nobody ever responds.
    chooseModel: () => new Promise(() => void inDialog++),
  });
  await services.start();
  void services.invoke('modelOpen');
  const saving = services.invoke('settingsSet', { theme: 'dark' });
  expect(inDialog).toBe(1);
  let saved = false;
  void saving.then(() => (saved = true));
  const before = performance.now();
  await services.stop(60_000);
  expect(saved).toBe(true);
  expect(performance.now() - before).toBeLessThan(30_000);

  void services.invoke('openExternal', 'https://example.org/');
  await services.stop(50);
  expect(performance.now() - before).toBeLessThan(30_000);
});

test('a call that never ends does not keep chats and runs from being stopped', async () => {
  const stops = [vi.spyOn(ChatStore.prototype, 'stop'), vi.spyOn(ComparisonStore.prototype, 'stop')];
  onTestFinished(() => stops.forEach((stop) => stop.mockRestore()));
  const services = new LocalAppServices({
    host: 'electron',
    dataFolder: await temporaryFolder(),
    modelsDir: resolve('resources/models'),
    openExternal: () => new Promise(() => undefined),
    restartEngine: async () => undefined,
  });
  await services.start();
  void services.invoke('openExternal', 'https://example.org/');
  await services.stop(100);
  for (const stop of stops) {
    expect(stop).toHaveBeenCalledOnce();
    await stop.mock.results[0]?.value;
  }
});

test('a text is saved at the chosen path, or not at all', async () => {
  const folder = await temporaryFolder();
  const targets: (string | null)[] = [null, join(folder, 'saved.json'), join(folder, 'no', 'such', 'folder.json')];
  const asked: string[] = [];
  const services = new LocalAppServices({
    host: 'electron',
    dataFolder: await temporaryFolder(),
    modelsDir: resolve('resources/models'),
    openExternal: async () => undefined,
    restartEngine: async () => undefined,
    chooseTarget: async (name) => {
      asked.push(name);
      return targets.shift() ?? null;
    },
  });
  const file = { name: 'a.receipt.json', text: '{"a":"é"}' };
  expect(await services.invoke('textSave', file)).toBe(false);
  expect(await services.invoke('textSave', file)).toBe(true);
  await expect(services.invoke('textSave', file)).rejects.toMatchObject({ code: 'STORAGE' });
  expect(asked).toEqual(Array.from({ length: 3 }, () => 'a.receipt.json'));
  expect(await readdir(folder)).toEqual(['saved.json']);
  expect(await readFile(join(folder, 'saved.json'), 'utf8')).toBe(file.text);
  for (const name of ['../a.json', 'a/b', 'C:\\a', '', 'a\nb']) {
    expect(await answerCall(services, 'textSave', [{ ...file, name }])).toMatchObject({
      error: { code: 'BAD_REQUEST' },
    });
  }
  const { services: inBrowser } = await started(await temporaryFolder(), 'web');
  await expect(inBrowser.invoke('textSave', file)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('the built-in model is listed with its real size and its limits', async () => {
  const { services } = await started(await temporaryFolder());
  const [model] = await services.invoke('modelsList');
  expect(model).toMatchObject({ id: 'tiny-transformer', name: 'TinyTransformer', builtIn: true });
  expect(model!.fileBytes).toBeGreaterThan(2_448_960 * 4);
  expect(model!.cannot).toContain('no chat roles');
});

test('the data folder is the one that Electron uses, unless the environment names another', () => {
  expect(dataFolder({}, 'linux', '/home/a')).toBe(join('/home/a', '.config', 'Tokenscope'));
  expect(dataFolder({ XDG_CONFIG_HOME: '/c' }, 'linux', '/home/a')).toBe(join('/c', 'Tokenscope'));
  expect(dataFolder({}, 'darwin', '/Users/a')).toBe(join('/Users/a', 'Library', 'Application Support', 'Tokenscope'));
  expect(dataFolder({ APPDATA: 'R' }, 'win32', 'H')).toBe(join('R', 'Tokenscope'));
  expect(dataFolder({ TOKENSCOPE_DATA_DIR: '/d' }, 'win32', 'H')).toBe('/d');
  for (const relative of ['chats', './chats']) {
    expect(dataFolder({ TOKENSCOPE_DATA_DIR: relative }, 'linux', '/home/a')).toBe(resolve('chats'));
  }
});

test('an empty or relative home never means the current folder', () => {
  for (const home of ['', 'relative']) {
    expect(isAbsolute(homeFolder(home))).toBe(true);
    expect(isAbsolute(dataFolder({ XDG_CONFIG_HOME: home }, 'linux'))).toBe(true);
  }
});

test('settings and a list of models that cannot be read do not keep the app from starting', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'settings.json'));
  await mkdir(join(folder, 'models.json'));
  const { services, events } = await started(folder);
  expect(events).toMatchObject([
    { type: 'readOnly', message: null },
    { type: 'notice', message: expect.stringContaining('settings.json') as string },
    { type: 'notice', message: expect.stringContaining('models.json') as string },
  ]);
  expect(await services.invoke('settingsGet')).toMatchObject({ theme: 'system' });
  expect(await services.invoke('settingsSet', { theme: 'dark' })).toMatchObject({ theme: 'dark' });
  expect(await services.invoke('modelsList')).toMatchObject([{ id: 'tiny-transformer' }]);
});

test('the runtime note appears only if Electron differs from the pinned version', () => {
  expect(runtimeNote('45.4.1', '^45.4.1')).toBeNull();
  expect(runtimeNote('45.5.0', '^45.4.1')).toBeNull();
  expect(runtimeNote('45.4.1', '45.4.1')).toBeNull();
  expect(runtimeNote('45.4.2', '45.4.1')).toContain('Fallback runtime');
  expect(runtimeNote('45.4.0', '^45.4.1')).toContain('using Electron 45.4.0, because 45.4.1 could not be downloaded');
  expect(runtimeNote('33.2.1', '^45.4.1')).toContain('using Electron 33.2.1, because 45.4.1 could not be downloaded');
  expect(about('web', '/d', { node: '20.20.2' })).toMatchObject({
    name: 'Tokenscope',
    host: 'web',
    versions: { 'Node.js': '20.20.2' },
    runtimeNote: null,
    license: 'MIT',
  });
});

test('the network log keeps the latest requests', () => {
  const log = new NetworkLog();
  for (let i = 0; i < 600; i++) log.refused(`https://example.org/${i}`);
  expect(log.records()).toHaveLength(500);
  expect(log.records()[0]!.url).toBe('https://example.org/100');
});

test.each([
  '/../secret',
  '/..%2fsecret',
  '/%2e%2e/secret',
  '/..\\secret',
  '/a/../b',
  '/./a',
  '//etc/passwd',
  '/.env',
  '/a//b',
  '/a/',
  '/a\0',
  '/C:/x',
  '/a:stream',
  'a',
  '/',
  '',
])('%j is refused', (path) => {
  expect(fileUnder('/root', path)).toBeNull();
});

test('plain paths resolve to their file and type', () => {
  expect(fileUnder('/root', '/assets/index-B_x-1.js')).toBe(join('/root', 'assets', 'index-B_x-1.js'));
  expect(mimeType('a/b.js')).toBe('text/javascript; charset=utf-8');
  expect(mimeType('model.safetensors')).toBe('application/octet-stream');
});

test('ranges are parsed as in RFC 9110', () => {
  expect(parseRange(undefined, 10)).toEqual({ kind: 'whole' });
  expect(parseRange('bytes=0-3', 10)).toEqual({ kind: 'part', start: 0, end: 3 });
  expect(parseRange('bytes=4-', 10)).toEqual({ kind: 'part', start: 4, end: 9 });
  expect(parseRange('bytes=4-99', 10)).toEqual({ kind: 'part', start: 4, end: 9 });
  expect(parseRange('bytes=-3', 10)).toEqual({ kind: 'part', start: 7, end: 9 });
  expect(parseRange('bytes=-30', 10)).toEqual({ kind: 'part', start: 0, end: 9 });
  expect(parseRange('bytes=10-', 10)).toEqual({ kind: 'unsatisfiable' });
  expect(parseRange('bytes=-0', 10)).toEqual({ kind: 'unsatisfiable' });
  for (const odd of ['bytes=-', 'bytes=3-1', 'bytes=0-1,3-4', 'items=0-1', 'bytes=x-']) {
    expect(parseRange(odd, 10), odd).toEqual({ kind: 'whole' });
  }
});

test('the page may load nothing but the app itself', () => {
  const csp = pageHeaders()['Content-Security-Policy']!;
  expect(csp).toContain("default-src 'none'");
  expect(csp).toContain("require-trusted-types-for 'script'");
  expect(csp).not.toMatch(/unsafe|https?:|\*/);
  const worker = pageHeaders(null, true)['Content-Security-Policy']!;
  expect(worker.replace(" 'wasm-unsafe-eval'", '')).toBe(csp);
  const inDevelopment = pageHeaders('http://localhost:5173')['Content-Security-Policy']!;
  expect(inDevelopment).toContain("connect-src 'self' ws://localhost:5173");
});

test('what the system opens waits for the page, and a file that is no model becomes a notice', async () => {
  const folder = await temporaryFolder();
  const { services, events } = await started(folder);
  await services.open({ type: 'question', text: 'What is a token?' });
  expect(await services.invoke('openedTake')).toEqual([{ type: 'question', text: 'What is a token?' }]);
  expect(await services.invoke('openedTake')).toEqual([]);
  await services.open({ type: 'model', path: join(folder, 'missing.gguf') });
  expect(events.map(({ type }) => type)).toEqual(['readOnly', 'opened', 'notice']);
  expect(await services.invoke('openedTake')).toEqual([]);
});
