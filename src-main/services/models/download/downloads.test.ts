/** Downloads from a hub on this computer: errors, what is kept, and messages. */
import { mkdir, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDownloadServer } from '../../../../e2e/support/download-server.ts';
import { parseHolder } from '../../lock-holder.ts';
import { deadPid, startTicksOf } from '../../test-support/processes.ts';
import { expectSameBits } from '../../../engine/test-support/same-bits.ts';
import { temporaryFolder } from '../../test-support/support.ts';
import { withFileLock } from '../file-lock.ts';
import { BYTES, ENTRY, IMPATIENT, PATH, run, setUp, SHA256 } from '../test-support/download-set-up.ts';

test('a click downloads the file, checks its hash, moves it into place and logs it', async () => {
  const set = await setUp();
  expect(set.log.records()).toEqual([]);
  expect(set.server.requests).toEqual([]);
  const done = await run(set);
  expect(done).toMatchObject({
    phase: 'done',
    bytes: BYTES.length,
    totalBytes: BYTES.length,
    problem: null,
    modelId: 'the-model',
    sha256: SHA256,
    hashChecked: true,
  });
  const target = join(set.folder, ENTRY.file);
  expect(set.added).toEqual([{ path: target, sha256: SHA256, isWritten: true }]);
  expectSameBits(new Uint8Array(await readFile(target)), BYTES);
  expect(await readdir(set.folder)).toEqual([ENTRY.file]);
  expect(set.log.records()).toEqual([
    {
      at: expect.any(String) as string,
      url: `${set.server.url}${PATH}`,
      result: 'done',
      bytes: BYTES.length,
      note: `Download of ${ENTRY.name}, started by you. 200, 300000 bytes.`,
    },
  ]);
  expect(set.seen.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['connecting', 'downloading', 'checking']));
  // Neither listing nor a second click sends a request.
  expect(await set.manager.list()).toEqual([done]);
  expect(await set.manager.resume(ENTRY.id)).toEqual(done);
  expect(set.server.requests).toHaveLength(1);
});

test('resumes automatically where the connection was lost', async () => {
  const set = await setUp({ behaviour: { kind: 'cut', afterBytes: 100_000, times: 2 } });
  expect(await run(set)).toMatchObject({ phase: 'done', bytes: BYTES.length, problem: null });
  expectSameBits(new Uint8Array(await readFile(join(set.folder, ENTRY.file))), BYTES);
  expect(set.server.requests).toHaveLength(3);
  expect(set.server.requests[0]).toMatchObject({ range: null });
  const from = Number(/^bytes=(\d+)-$/.exec(set.server.requests[1]?.range ?? '')?.[1]);
  expect(from).toBeGreaterThan(0);
  // With a known hash, only the hash decides.
  expect(set.server.requests[1]).toMatchObject({ ifRange: null });
  const records = set.log.records();
  expect(records.map(({ result }) => result)).toEqual(['failed', 'failed', 'done']);
  // No byte was sent twice.
  expect(records.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(BYTES.length);
});

test('resumes when the network is gone for a moment, so that the server is not even found', async () => {
  const set = await setUp();
  set.server.behave(
    PATH,
    { kind: 'cut', afterBytes: 80_000, times: 1 },
    { kind: 'redirect', to: 'https://hub.invalid/file', times: 1 },
  );
  expect(await run(set)).toMatchObject({ phase: 'done', sha256: SHA256, problem: null });
  expect(set.server.requests).toHaveLength(3);
  expect(set.seen.map(({ problem }) => problem?.kind)).toContain('dns');
  expect(set.log.records().map(({ result }) => result)).toEqual(['failed', 'done', 'failed', 'done']);
});

test('gives up when nothing comes any more, keeps what there is, and goes on at the next click', async () => {
  const set = await setUp({ times: IMPATIENT });
  set.server.behave(PATH, { kind: 'stall', afterBytes: 50_000, times: 1 }, { kind: 'stall', afterBytes: 0 });
  const failed = await run(set);
  expect(failed).toMatchObject({ phase: 'failed', problem: { kind: 'timeout' } });
  expect(failed.problem?.message).toContain('sent nothing for 2 seconds');
  expect(failed.bytes).toBeGreaterThanOrEqual(50_000);
  set.server.behave(PATH);
  await set.manager.resume(ENTRY.id);
  expect(await set.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done' });
  expect(set.server.requests.at(-1)?.range).toBe(`bytes=${failed.bytes}-`);
});

test('deletes a wrong file, and reports both hashes', async () => {
  const set = await setUp({ behaviour: { kind: 'otherBytes' } });
  const { problem, phase } = await run(set);
  expect({ phase, kind: problem?.kind }).toEqual({ phase: 'failed', kind: 'hash' });
  expect(problem?.message).toContain(SHA256);
  expect(problem?.message).toMatch(/its SHA-256 is [0-9a-f]{64} instead of/);
  expect(await readdir(set.folder)).toEqual([]);
  expect(set.added).toEqual([]);
  expect(set.server.requests).toHaveLength(1);
});

test('keeps nothing of a file of another length', async () => {
  const entry = { ...ENTRY, bytes: BYTES.length + 1 };
  const set = await setUp({ entry });
  expect(await run(set, entry)).toMatchObject({ phase: 'failed', bytes: 0, problem: { kind: 'hash' } });
});

test('records the hash of a file without one in the catalogue', async () => {
  const entry = { ...ENTRY, bytes: null, sha256: null };
  const set = await setUp({ entry, behaviour: { kind: 'cut', afterBytes: 40_000, times: 1 } });
  expect(await run(set, entry)).toMatchObject({
    phase: 'done',
    sha256: SHA256,
    hashChecked: false,
    totalBytes: 300_000,
  });
  expect(set.server.requests[1]).toMatchObject({ ifRange: `"${SHA256}"` });
});

test('restarts when the server cannot resume or has another file now', async () => {
  const unable = await setUp();
  unable.server.behave(PATH, { kind: 'cut', afterBytes: 60_000, times: 1 }, { kind: 'noRanges' });
  expect(await run(unable)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(unable.server.requests).toHaveLength(2);

  // A partial file of another file.
  const folder = await temporaryFolder();
  await writeFile(join(folder, `${ENTRY.file}.part`), 'something else');
  const state = { version: 1, catalogueId: ENTRY.id, validator: '"old"', totalBytes: BYTES.length };
  await writeFile(join(folder, `${ENTRY.file}.part.json`), JSON.stringify(state));
  const other = await setUp({ folder: async () => folder });
  expect(await run(other)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(other.server.requests).toMatchObject([
    { range: 'bytes=14-', ifRange: null },
    { range: null, ifRange: null },
  ]);
  // Without a hash the validator decides, which the server no longer accepts.
  await writeFile(join(folder, `${ENTRY.file}.part`), 'something else');
  await writeFile(join(folder, `${ENTRY.file}.part.json`), JSON.stringify(state));
  await rm(join(folder, ENTRY.file));
  const entry = { ...ENTRY, sha256: null };
  const unchecked = await setUp({ folder: async () => folder, entry });
  expect(await run(unchecked, entry)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(unchecked.server.requests).toMatchObject([{ range: 'bytes=14-', ifRange: '"old"' }]);
});

test.each([
  [404, 'the file was not found', 1],
  [403, 'You may have to accept its terms', 1],
  [503, 'server error', 3],
])('a response of %i is described', async (status, words, requests) => {
  const set = await setUp({ behaviour: { kind: 'status', status } });
  const { phase, problem } = await run(set);
  expect(phase).toBe('failed');
  expect(problem).toMatchObject({ kind: 'http', httpStatus: status });
  expect(problem?.message).toContain(words);
  expect(set.server.requests).toHaveLength(requests);
  expect(await readdir(set.folder)).toEqual([]);
});

test('a slow server is waited for; one that never responds is not', async () => {
  const slow = await setUp({ behaviour: { kind: 'slow', chunkBytes: 30_000, waitMs: 100 } });
  await slow.manager.start(ENTRY);
  await vi.waitFor(() => expect(slow.seen.some(({ rate }) => rate !== null && rate > 0)).toBe(true));
  expect(slow.seen.findLast(({ rate }) => rate !== null)?.secondsLeft).toBeGreaterThanOrEqual(0);
  expect(await slow.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done' });

  const deaf = await setUp({ behaviour: { kind: 'hang' }, times: IMPATIENT });
  expect(await run(deaf)).toMatchObject({ phase: 'failed', problem: { kind: 'timeout' } });
});

test('follows redirects, logs each hop, and never goes from https to http', async () => {
  const other = await startDownloadServer();
  onTestFinished(() => other.close());
  other.serve('/blobs/1', BYTES);
  const set = await setUp({ behaviour: { kind: 'redirect', to: `${other.url}/blobs/1?key=secret#part` } });
  expect(await run(set)).toMatchObject({ phase: 'done' });
  expect(set.log.records()).toMatchObject([
    { url: `${set.server.url}${PATH}`, result: 'done', bytes: 0 },
    { url: `${other.url}/blobs/1?…`, result: 'done', bytes: BYTES.length },
  ]);

  for (const to of ['http://example.org/file', 'file:///etc/passwd', 'https://user:pw@example.org/', '\0']) {
    const refused = await setUp({ behaviour: { kind: 'redirect', to: to === '\0' ? 'http://[' : to } });
    expect(await run(refused), to).toMatchObject({ phase: 'failed', problem: { kind: 'redirect' } });
    expect(refused.log.records()).toHaveLength(1);
  }
  const circle = await setUp({ behaviour: { kind: 'redirect', to: PATH } });
  expect((await run(circle)).problem?.message).toMatch(/^Too many redirects .*If you use a mirror, try another one\.$/);
});

test('unknown names, unreachable servers and untrusted certificates are distinguished', async () => {
  const nowhere = await setUp({ url: async () => 'https://hub.invalid/file' });
  expect((await run(nowhere)).problem).toMatchObject({
    kind: 'dns',
    message: expect.stringContaining('hub.invalid') as string,
  });
  expect(nowhere.log.records()).toMatchObject([{ url: 'https://hub.invalid/file', result: 'failed', bytes: 0 }]);

  const closed = await startDownloadServer();
  await closed.close();
  const refused = await setUp({ url: async () => `${closed.url}/file` });
  expect((await run(refused)).problem).toMatchObject({ kind: 'connection' });

  const untrusted = await setUp({ tls: true });
  expect((await run(untrusted)).problem).toMatchObject({
    kind: 'tls',
    message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') as string,
  });
  expect(untrusted.server.requests).toEqual([]);
});

test('checks free disk space before any request', async () => {
  const set = await setUp({ freeBytes: async () => 1_000_000 });
  const { problem } = await run(set);
  expect(problem).toMatchObject({ kind: 'disk' });
  expect(problem?.message).toContain('only 1.0\u00a0MB free. The download needs another 300.0\u00a0kB, and ');
  expect(set.server.requests).toEqual([]);
  expect(set.log.records()).toEqual([]);
});

test('keeps the partial file when the disk is full, and resumes when there is space again', async () => {
  const set = await setUp();
  const handle = await open(join(await temporaryFolder(), 'any'), 'w');
  const appendFile = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'appendFile');
  await handle.close();
  let chunks = 0;
  appendFile.mockImplementation(async function (this: typeof handle, data) {
    if (++chunks > 3) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    await this.write(data as Uint8Array);
  });
  const { phase, problem, bytes } = await run(set);
  appendFile.mockRestore();
  expect({ phase, kind: problem?.kind }).toEqual({ phase: 'failed', kind: 'disk' });
  expect(problem?.message).toContain('the disk is full');
  expect(bytes).toBeGreaterThan(0);
  await set.manager.resume(ENTRY.id);
  expect(await set.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(set.server.requests.at(-1)?.range).toBe(`bytes=${bytes}-`);
});

test('pauses at once and keeps the partial file; cancelling deletes it', async () => {
  const set = await setUp({ behaviour: { kind: 'slow', chunkBytes: 20_000, waitMs: 30 } });
  await set.manager.start(ENTRY);
  await vi.waitFor(() => expect(set.seen.at(-1)?.bytes).toBeGreaterThan(40_000));
  const paused = await set.manager.pause(ENTRY.id);
  expect(paused).toMatchObject({ phase: 'paused', problem: null, rate: null });
  expect(set.log.records().at(-1)).toMatchObject({
    result: 'failed',
    note: expect.stringContaining('Cancelled') as string,
  });
  expect((await readFile(join(set.folder, `${ENTRY.file}.part`))).length).toBe(paused.bytes);
  expect(await readdir(set.folder)).not.toContain(`${ENTRY.file}.part.lock`);

  set.server.behave(PATH, { kind: 'hang' });
  await set.manager.resume(ENTRY.id);
  await set.manager.cancel(ENTRY.id);
  expect(await readdir(set.folder)).toEqual([]);
  expect(await set.manager.list()).toEqual([]);
  await expect(set.manager.pause(ENTRY.id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('a download that is resumed in another folder leaves nothing in the first one, once it is done', async () => {
  const [first, second] = [await temporaryFolder(), await temporaryFolder()];
  let folder = first;
  const set = await setUp({ folder: async () => folder, behaviour: { kind: 'stall', afterBytes: 80_000 } });
  await set.manager.start(ENTRY);
  await vi.waitFor(() => expect(set.seen.at(-1)?.bytes).toBeGreaterThan(60_000));
  await set.manager.pause(ENTRY.id);
  folder = second;
  set.server.behave(PATH, { kind: 'stall', afterBytes: 80_000 });
  await set.manager.resume(ENTRY.id);
  await vi.waitFor(() => expect(set.seen.at(-1)).toMatchObject({ phase: 'downloading' }));
  await vi.waitFor(() => expect(set.seen.at(-1)?.bytes).toBeGreaterThan(60_000));
  await set.manager.pause(ENTRY.id);
  expect(await readdir(first)).toContain(`${ENTRY.file}.part`);

  set.server.behave(PATH);
  await set.manager.resume(ENTRY.id);
  expect(await set.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(await readdir(second)).toEqual([ENTRY.file]);
  await expect.poll(() => readdir(first)).toEqual([]);
});

test('a cancelled download leaves nothing in an earlier folder either', async () => {
  const [first, second] = [await temporaryFolder(), await temporaryFolder()];
  let folder = first;
  const set = await setUp({ folder: async () => folder, behaviour: { kind: 'stall', afterBytes: 80_000 } });
  await set.manager.start(ENTRY);
  await vi.waitFor(() => expect(set.seen.at(-1)?.bytes).toBeGreaterThan(60_000));
  await set.manager.pause(ENTRY.id);
  folder = second;
  set.server.behave(PATH, { kind: 'hang' });
  await set.manager.resume(ENTRY.id);
  await set.manager.cancel(ENTRY.id);
  expect([await readdir(first), await readdir(second)]).toEqual([[], []]);
});

test('finds unfinished downloads of an earlier start, sends no request, and resumes on demand', async () => {
  const folder = join(await temporaryFolder(), 'models');
  const first = await setUp({ folder: async () => folder, behaviour: { kind: 'stall', afterBytes: 80_000 } });
  await first.manager.start(ENTRY);
  await vi.waitFor(() => expect(first.seen.at(-1)?.bytes).toBeGreaterThan(60_000));
  await first.manager.stop();

  const second = await setUp({ folder: async () => folder });
  const [left] = await second.manager.list();
  expect(left).toMatchObject({ phase: 'paused', totalBytes: BYTES.length, problem: null });
  expect(left?.bytes).toBeGreaterThan(60_000);
  expect(second.server.requests).toEqual([]);
  await second.manager.resume(ENTRY.id);
  expect(await second.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(second.server.requests).toMatchObject([{ range: `bytes=${left?.bytes}-` }]);
});

test('uses a complete file that already exists without a request, but not a different one of that name', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, ENTRY.file), BYTES);
  // Copied there while its download was paused.
  const part = join(folder, `${ENTRY.file}.part`);
  await writeFile(part, BYTES.subarray(0, 100_000));
  const state = { version: 1, catalogueId: ENTRY.id, validator: null, totalBytes: BYTES.length };
  await writeFile(`${part}.json`, JSON.stringify(state));
  const there = await setUp({ folder: async () => folder });
  expect(await run(there)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(there.added).toMatchObject([{ isWritten: false }]);
  expect(there.server.requests).toEqual([]);
  expect(await readdir(folder)).toEqual([ENTRY.file]);

  await writeFile(join(folder, ENTRY.file), 'mine');
  const mine = await setUp({ folder: async () => folder });
  expect((await run(mine)).problem).toMatchObject({
    kind: 'disk',
    message: expect.stringContaining('already exists and is a different file') as string,
  });
  expect(await readFile(join(folder, ENTRY.file), 'utf8')).toBe('mine');
});

test('two processes do not download the same file, and a dead one does not block it', async () => {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  const lock = join(folder, `${ENTRY.file}.part.lock`);
  await withFileLock(lock, async () => {
    const held = await readFile(lock, 'utf8');
    // As if this process's parent held it.
    const other = { ...parseHolder(held), token: 'other', pid: process.ppid, startTicks: startTicksOf(process.ppid) };
    await writeFile(lock, JSON.stringify(other));
  });
  const heart = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), 100);
  onTestFinished(() => clearInterval(heart));
  const busy = await setUp({ folder: async () => folder });
  expect((await run(busy)).problem).toMatchObject({ kind: 'busy', message: expect.stringContaining(lock) as string });
  expect(busy.server.requests).toEqual([]);
  await writeFile(join(folder, `${ENTRY.file}.part`), 'of the other process');
  await expect(busy.manager.cancel(ENTRY.id)).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readFile(join(folder, `${ENTRY.file}.part`), 'utf8')).toBe('of the other process');
  await rm(join(folder, `${ENTRY.file}.part`));
  await writeFile(lock, JSON.stringify({ ...parseHolder(await readFile(lock, 'utf8')), pid: deadPid() }));
  const free = await setUp({ folder: async () => folder });
  expect(await run(free)).toMatchObject({ phase: 'done' });
});

test('reports a models folder that cannot be written', async () => {
  const file = join(await temporaryFolder(), 'a-file');
  await writeFile(file, '');
  const set = await setUp({ folder: async () => join(file, 'models') });
  expect((await run(set)).problem).toMatchObject({ kind: 'disk' });
});
