import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { UpdateState } from '../../protocol/app/updates.ts';
import { DOWNLOAD_TIMES, type DownloadTimes } from '../models/download/download-manager.ts';
import { sha256OfFile } from '../models/sha256-file.ts';
import { NetworkLog } from '../network-log.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { applyUpdate } from './apply-update.ts';
import { beginTrial, endTrial, readTrial, replace, rollBack, uncountStart, writeTrial } from './trial.ts';
import { UpdateService } from './update-service.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const KEY = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const NAME = 'tokenscope-0.2.0-linux-x64.AppImage';

/** What an AppImage does with `--cli -- --version`; padded so that a cut leaves something to resume. */
function program(version: string, bytes = 300_000): string {
  return `#!/bin/sh\necho "${version}"\nexit 0\n${'#'.repeat(bytes)}\n`;
}

let files: Map<string, string | Buffer>;
let server: Server;
let address: string;
/** The answer to the next request for the program stops after so many bytes, until `cut` ends it. */
let cutAfter: number | null;
let cut: () => void;
/** When the server stops sending: before or after its answer begins. */
let silent: 'before' | 'after' | null;
let requests: { url: string; range: string | undefined }[];
let folder: string;

beforeEach(async () => {
  [files, requests, cutAfter, silent] = [new Map(), [], null, null];
  folder = await temporaryFolder();
  server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    const { range } = request.headers;
    requests.push({ url: request.url ?? '', range });
    if (silent === 'before') return;
    if (silent === 'after') return response.writeHead(200).write('{');
    const file = files.get(name);
    if (file === undefined) return response.writeHead(404).end();
    const all = Buffer.from(file);
    const from = range === undefined ? 0 : Number(/bytes=(\d+)-/.exec(range)?.[1]);
    const body = all.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': body.length,
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${all.length - 1}/${all.length}` }),
    });
    if (name !== NAME || cutAfter === null) return response.end(body);
    const part = body.subarray(0, cutAfter);
    cutAfter = null;
    cut = () => response.destroy();
    response.write(part);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Puts a release on the server. */
function publish(version: string, content: string, key: KeyObject = privateKey): void {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const list = JSON.stringify({
    format: 1,
    version,
    date: '2026-11-27',
    notes: 'Faster replies.\nFewer surprises.',
    files: [{ name: NAME, bytes: content.length, sha256 }],
  });
  files.set('updates.json', list);
  files.set('updates.json.sig', sign(null, Buffer.from(list), key).toString('base64'));
  files.set(NAME, content);
}

async function setUp(automatic = false, times: Partial<DownloadTimes> = {}, currentVersion = '0.1.0') {
  const target = join(folder, 'bin', 'Tokenscope.AppImage');
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(target, program('0.1.0', 10));
  await chmod(target, 0o755);
  const states: UpdateState[] = [];
  const dataFolder = join(folder, 'data');
  await mkdir(dataFolder, { recursive: true });
  await writeFile(join(dataFolder, 'settings.json'), '{"theme":"dark"}');
  const log = new NetworkLog();
  const service = new UpdateService({
    ...{ dataFolder, currentVersion, platform: 'linux', arch: 'x64', log },
    installation: { kind: 'AppImage', target, program: target },
    source: { address, key: KEY },
    proxy: () => null,
    automatic: () => automatic,
    times: { ...DOWNLOAD_TIMES, retryMs: [10, 10, 10], ...times },
    emit: (state) => states.push(state),
  });
  await service.start();
  const downloaded = async () => {
    service.download();
    await expect.poll(() => service.state.phase).toMatch(/ready|failed/);
    return service.state;
  };
  return { service, states, target, dataFolder, log, downloaded };
}

test('offers a newer version with its notes, downloads it when asked, and installs it on quit', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, target, dataFolder, log, downloaded } = await setUp();
  expect(requests).toEqual([]);
  const offered = await service.check();
  expect(offered).toMatchObject({ phase: 'available', problem: null });
  expect(offered.release).toMatchObject({ version: '0.2.0', notes: 'Faster replies.\nFewer surprises.' });
  // Nothing is downloaded yet.
  expect(requests.map(({ url }) => url)).toEqual(['/releases/updates.json', '/releases/updates.json.sig']);
  expect(log.records()).toHaveLength(2);
  expect((await downloaded()).phase).toBe('ready');
  expect(await readFile(target, 'utf8')).toContain('0.1.0');
  await service.stop();
  expect(await readFile(target, 'utf8')).toContain('0.2.0');
  expect((await stat(target)).mode & 0o111).not.toBe(0);
  expect(await readFile(join(dataFolder, 'settings.json'), 'utf8')).toBe('{"theme":"dark"}');
  const trial = { version: '0.2.0', previousVersion: '0.1.0', starts: 0, pid: null, startedAt: 0 };
  expect(readTrial(dataFolder)).toMatchObject(trial);
});

test('an older or equal version is not offered', async () => {
  publish('0.1.0', program('0.1.0'));
  const { service } = await setUp();
  expect(await service.check()).toMatchObject({ phase: 'idle', release: null, problem: null });
  expect(service.state.lastCheck).not.toBeNull();
});

test('a version that was found is offered after a restart, without a request, until it is installed', async () => {
  publish('0.2.0', program('0.2.0'));
  const restart = async (version = '0.1.0') => (await setUp(false, {}, version)).service;
  const first = await setUp();
  await first.service.check();
  requests.length = 0;
  expect((await restart()).state).toMatchObject({ phase: 'available', release: { version: '0.2.0' }, problem: null });
  const installed = { phase: 'idle', release: null, lastCheck: first.service.state.lastCheck };
  expect((await restart('0.2.0')).state).toMatchObject(installed);
  expect(requests).toEqual([]);
  const again = await setUp();
  expect((await again.downloaded()).phase).toBe('ready');
  expect(requests.map(({ url }) => url)).toEqual([`/releases/${NAME}`]);

  // Stored files are verified like those of the server.
  const path = join(first.dataFolder, 'updates', 'state.json');
  const state = JSON.parse(await readFile(path, 'utf8')) as { offer: { list: string; signature: string } };
  const list = Buffer.from(state.offer.list, 'base64').toString().replace('0.2.0', '0.9.0');
  const forged = { ...state.offer, list: Buffer.from(list).toString('base64') };
  await writeFile(path, JSON.stringify({ ...state, offer: forged }));
  expect((await restart()).state).toMatchObject({ phase: 'idle', release: null });

  await writeFile(path, JSON.stringify(state));
  publish('0.1.0', program('0.1.0'));
  const last = await restart();
  expect(await last.check()).toMatchObject({ phase: 'idle', release: null });
  expect((await restart()).state).toMatchObject({ phase: 'idle', release: null });
});

test.each([
  ['before', { answerMs: 500, idleMs: 500 }, 'did not respond within 0.5 seconds.'],
  ['after', { idleMs: 500 }, 'sent nothing for 0.5 seconds.'],
] as const)('a check of a server that falls silent %s its answer begins ends', async (when, times, note) => {
  const { service, log } = await setUp(false, times);
  silent = when;
  expect(await service.check()).toMatchObject({
    phase: 'failed',
    problem: 'The update server did not respond in time. Check the connection and try again.',
  });
  expect(log.records()).toMatchObject([{ result: 'failed', note: expect.stringContaining(note) as string }]);
});

test('quitting ends a check that waits for the rest of an answer', async () => {
  const { service, log } = await setUp();
  silent = 'after';
  const checked = service.check();
  await expect.poll(() => log.records()[0]?.bytes).toBe(1);
  await service.stop();
  expect(await checked).toMatchObject({ phase: 'failed' });
  expect(log.records()).toMatchObject([{ result: 'failed', note: expect.stringContaining('Cancelled.') as string }]);
});

test('a list of somebody else, or one that was changed, is refused', async () => {
  publish('0.2.0', program('0.2.0'), generateKeyPairSync('ed25519').privateKey);
  const { service } = await setUp();
  expect(await service.check()).toMatchObject({ phase: 'failed', release: null });
  expect(service.state.problem).toContain('not signed');
  publish('0.2.0', program('0.2.0'));
  files.set('updates.json', String(files.get('updates.json')).replace('0.2.0', '0.9.0'));
  expect((await service.check()).problem).toContain('not signed');
  expect(() => service.download()).toThrow('no update to download');
  expect(requests.some(({ url }) => url.endsWith(NAME))).toBe(false);
});

test('a file with another hash is refused and deleted', async () => {
  publish('0.2.0', program('0.2.0'));
  files.set(NAME, program('6.6.6'));
  const { service, target, dataFolder, downloaded } = await setUp();
  await service.check();
  // There is nothing to resume.
  expect(await downloaded()).toMatchObject({ phase: 'failed', bytes: 0 });
  expect(service.state.problem).toContain('not the one');
  const left = await readdir(join(dataFolder, 'updates'));
  for (const name of [NAME, `${NAME}.part`]) expect(left).not.toContain(name);
  await service.stop();
  expect(await readFile(target, 'utf8')).toContain('0.1.0');
});

test('a download that was changed is not installed, and can be downloaded again', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, target, dataFolder, downloaded } = await setUp();
  await service.check();
  await downloaded();
  await writeFile(join(dataFolder, 'updates', NAME), program('6.6.6'));
  await service.stop();
  expect(await readFile(target, 'utf8')).toContain('0.1.0');

  const next = await setUp();
  expect(next.service.state.problem).toContain('has changed');
  await next.service.check();
  expect((await next.downloaded()).phase).toBe('ready');
  await next.service.stop();
  expect(await readFile(target, 'utf8')).toContain('0.2.0');
});

test('downloads of versions up to this one are deleted at the start', async () => {
  const updates = join(folder, 'data', 'updates');
  await mkdir(updates, { recursive: true });
  for (const version of ['0.0.9', '0.1.0', '0.2.0']) {
    await writeFile(join(updates, `tokenscope-${version}-win-x64.exe`), 'MZ');
  }
  await writeFile(join(updates, 'tokenscope-0.0.9-win-x64.exe.part'), 'MZ');
  await setUp();
  expect(await readdir(updates)).toEqual(['tokenscope-0.2.0-win-x64.exe']);
});

test('a download that was cut resumes where it stopped', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, downloaded } = await setUp();
  await service.check();
  cutAfter = 100_000;
  const done = downloaded();
  // A client loses with the connection what it has not read.
  await expect.poll(() => service.state.bytes).toBeGreaterThan(0);
  cut();
  expect((await done).phase).toBe('ready');
  const ranges = requests.filter(({ url }) => url.endsWith(NAME)).map(({ range }) => range);
  expect(ranges).toHaveLength(2);
  expect(Number(/bytes=(\d+)-/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0);
  await service.stop();
});

test('what was downloaded before a restart is counted and resumed', async () => {
  publish('0.2.0', program('0.2.0'));
  await (await setUp()).service.check();
  await writeFile(join(folder, 'data', 'updates', `${NAME}.part`), program('0.2.0').slice(0, 100_000));
  const { service, downloaded } = await setUp();
  expect(service.state.bytes).toBe(100_000);
  expect((await downloaded()).phase).toBe('ready');
  expect(requests.at(-1)?.range).toBe('bytes=100000-');
});

test('progress is reported a few times a second', async () => {
  publish('0.2.0', program('0.2.0', 10_000_000));
  const { service, states, downloaded } = await setUp();
  await service.check();
  expect((await downloaded()).phase).toBe('ready');
  // It arrives in at least 152 pieces of up to 64 KiB. Four a second, for up to ten seconds on a busy machine.
  expect(states.filter(({ phase }) => phase === 'downloading').length).toBeLessThan(50);
  await service.stop();
});

test('advice in messages is about updates', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, dataFolder, downloaded } = await setUp();
  await service.check();
  // In the way of the part.
  await mkdir(join(dataFolder, 'updates', `${NAME}.part`));
  expect((await downloaded()).problem).toMatch(/^The update could not be saved in .*updates\./);
  await service.stop();
});

test.each([
  ['never', null, true],
  ['a day ago', -1, false],
  ['eight days ago', -8, true],
  ['in the future, when the clock was wrong', 30, true],
])('who wants weekly checks and had the last one %s', async (_, days, isDue) => {
  publish('0.2.0', program('0.2.0'));
  const lastCheck = days === null ? null : new Date(Date.now() + days * 24 * 60 * 60 * 1000).toISOString();
  const updates = join(folder, 'data', 'updates');
  await mkdir(updates, { recursive: true });
  await writeFile(join(updates, 'state.json'), JSON.stringify({ lastCheck, problem: null }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { service } = await setUp(true);
    // The first look is after a minute.
    vi.advanceTimersByTime(60_000);
    expect(service.state.phase).toBe(isDue ? 'checking' : 'idle');
    if (isDue) await expect.poll(() => service.state.phase).toBe('available');
    await service.stop();
  } finally {
    vi.useRealTimers();
  }
});

test('weekly checks continue while a version is offered, because a later one may follow', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, dataFolder } = await setUp();
  await service.check();
  const path = join(dataFolder, 'updates', 'state.json');
  const state = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...state, lastCheck: '2026-01-01T00:00:00.000Z' }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const next = await setUp(true);
    expect(next.service.state.phase).toBe('available');
    vi.advanceTimersByTime(60_000);
    expect(next.service.state.phase).toBe('checking');
    await expect.poll(() => next.service.state.phase).toBe('available');
    await next.service.stop();
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ['does not run', '#!/bin/sh\nexit 1\n'],
  ['reports another version', program('10.2.0')],
])('a version that %s is not installed', async (_, content) => {
  publish('0.2.0', content);
  const { service, target, downloaded, dataFolder } = await setUp();
  await service.check();
  expect((await downloaded()).phase).toBe('ready');
  await service.stop();
  expect(await readFile(target, 'utf8')).toContain('0.1.0');
  expect(readTrial(dataFolder)).toBeNull();
  const next = await setUp();
  expect(next.service.state.problem).toContain('was not installed');
});

test.skipIf(process.platform === 'win32')('an archive replaces the folder, and must contain exactly one', async () => {
  const target = join(folder, 'app');
  const started = join(target, 'tokenscope');
  await mkdir(target);
  await writeFile(started, program('0.1.0', 10));
  const archive = async (...names: string[]) => {
    for (const name of names) {
      await mkdir(join(folder, 'from', name), { recursive: true });
      await writeFile(join(folder, 'from', name, 'tokenscope'), program('0.2.0', 10), { mode: 0o755 });
    }
    const file = join(folder, 'update.tar.gz');
    await promisify(execFile)('tar', ['-czf', file, '-C', join(folder, 'from'), ...names]);
    return { version: '0.2.0', file, sha256: await sha256OfFile(file) };
  };
  const installation = { kind: 'tar.gz', target, program: started } as const;
  const options = { dataFolder: join(folder, 'data'), currentVersion: '0.1.0', installation };
  await expect(applyUpdate(await archive('one', 'two'), options)).rejects.toThrow('exactly one folder');
  expect(await readFile(started, 'utf8')).toContain('0.1.0');
  // As if an update had been killed while it unpacked.
  await mkdir(`${target}.new.unpacked/one`, { recursive: true });
  expect(await applyUpdate(await archive('one'), options)).toBe(false);
  expect((await readdir(folder)).filter((name) => name.startsWith('app'))).toEqual(['app', 'app.previous']);
  expect(await readFile(started, 'utf8')).toContain('0.2.0');
  expect(await readFile(join(`${target}.previous`, 'tokenscope'), 'utf8')).toContain('0.1.0');
});

test('the old version comes back if the new one does not start, and goes away when it does', async () => {
  publish('0.2.0', program('0.2.0'));
  const { service, target, dataFolder, downloaded } = await setUp();
  await service.check();
  await downloaded();
  await service.stop();
  // A trial of another version is ignored.
  expect(beginTrial(dataFolder, '0.1.0')).toBeNull();
  // The old version is still quitting.
  expect(beginTrial(dataFolder, '0.2.0')).toBeNull();
  uncountStart(dataFolder, '0.2.0');
  expect(readTrial(dataFolder)).toMatchObject({ starts: 0, pid: null });
  expect(beginTrial(dataFolder, '0.2.0')).toBeNull();
  // A second start while the first one is running proves nothing.
  expect(beginTrial(dataFolder, '0.2.0')).toBeNull();
  // The first start ended, but did not get as far as `endTrial`.
  writeTrial(dataFolder, { ...readTrial(dataFolder)!, pid: 2 ** 30 });
  expect(beginTrial(dataFolder, '0.2.0')?.starts).toBe(1);
  // It still runs, but has not shown its page for two minutes.
  writeTrial(dataFolder, { ...readTrial(dataFolder)!, pid: process.pid, startedAt: Date.now() - 120_000 });
  const failed = beginTrial(dataFolder, '0.2.0');
  expect(failed?.previousVersion).toBe('0.1.0');
  rollBack(dataFolder, failed!);
  expect(await readFile(target, 'utf8')).toContain('0.1.0');
  expect(readTrial(dataFolder)).toBeNull();

  const again = await setUp();
  await again.service.check();
  await again.downloaded();
  await again.service.stop();
  expect(beginTrial(dataFolder, '0.2.0')).toBeNull();
  endTrial(dataFolder, '0.3.0');
  expect(await readFile(`${target}.previous`, 'utf8')).toContain('0.1.0');
  endTrial(dataFolder, '0.2.0');
  await expect(stat(`${target}.previous`)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(beginTrial(dataFolder, '0.2.0')).toBeNull();
});

test('what a person keeps in the folder of the app stays, also after going back', async () => {
  const target = join(folder, 'app');
  const [prepared, previous] = [`${target}.new`, `${target}.previous`];
  const prepare = async (place: string, version: string) => {
    await mkdir(place);
    await writeFile(join(place, 'tokenscope'), version);
  };
  const content = async () => [
    await readFile(join(target, 'tokenscope'), 'utf8'),
    await readFile(join(target, 'models', 'a.gguf'), 'utf8'),
  ];
  const trial = { version: '0.2.0', previousVersion: '0.1.0', target, previous, starts: 1, pid: null, startedAt: 0 };
  await prepare(target, 'old');
  await mkdir(join(target, 'models'));
  await writeFile(join(target, 'models', 'a.gguf'), 'GGUF');
  await prepare(prepared, 'new');
  replace(target, prepared, previous);
  expect(await content()).toEqual(['new', 'GGUF']);
  rollBack(folder, trial);
  expect(await content()).toEqual(['old', 'GGUF']);

  await prepare(prepared, 'new');
  replace(target, prepared, previous);
  writeTrial(folder, trial);
  // As if moving it had failed until now.
  await rename(join(target, 'models'), join(previous, 'models'));
  endTrial(folder, '0.2.0');
  expect(await content()).toEqual(['new', 'GGUF']);
  expect((await readdir(folder)).toSorted()).toEqual(['app', 'updates']);
});
