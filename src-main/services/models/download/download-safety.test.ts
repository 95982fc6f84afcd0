/** What a download must not do: lose existing data, fill the disk, run twice, or keep a person waiting. */
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { expectSameBits } from '../../../engine/test-support/same-bits.ts';
import { newHolder } from '../../lock-holder.ts';
import { temporaryFolder } from '../../test-support/support.ts';
import { BYTES, ENTRY, IMPATIENT, PATH, run, setUp, SHA256, type SetUp } from '../test-support/download-set-up.ts';
import { PartFile } from './part-file.ts';

const MIB = 1024 * 1024;
/** With unknown size and hash. */
const UNCHECKED = { ...ENTRY, bytes: null, sha256: null };

/** A folder with the first bytes of the file, as left by an interrupted download. */
async function halfDone(bytes = 200_000, validator = '"old"'): Promise<{ folder: string; part: string }> {
  const folder = await temporaryFolder();
  const part = join(folder, `${ENTRY.file}.part`);
  await writeFile(part, BYTES.subarray(0, bytes));
  const state = { version: 1, catalogueId: ENTRY.id, validator, totalBytes: BYTES.length };
  await writeFile(`${part}.json`, JSON.stringify(state));
  return { folder, part };
}

async function expectWhole({ folder }: SetUp): Promise<void> {
  expectSameBits(new Uint8Array(await readFile(join(folder, ENTRY.file))), BYTES);
  expect(await readdir(folder)).toEqual([ENTRY.file]);
}

test.each([
  [
    'a page of which the length is known',
    { kind: 'page', length: true } as const,
    ENTRY,
    'sent a web page (text/html)',
  ],
  ['a page of unknown length', { kind: 'page', length: false } as const, ENTRY, 'sent a web page (text/html)'],
  ['a page, where nobody knows size and hash', { kind: 'page', length: true } as const, UNCHECKED, 'sent a web page'],
  ['bytes of unknown length that are no model', { kind: 'noLength' } as const, UNCHECKED, 'other than a GGUF file'],
])('%s instead of the rest loses nothing', async (_, behaviour, entry, words) => {
  const { folder, part } = await halfDone();
  const set = await setUp({ folder: async () => folder, behaviour, entry });
  const failed = await run(set, entry);
  expect(failed).toMatchObject({ phase: 'failed', bytes: 200_000, problem: { kind: 'http' } });
  expect(failed.problem?.message).toContain(words);
  expect(failed.problem?.message).toContain('Nothing was downloaded; the earlier part is kept.');
  expectSameBits(new Uint8Array(await readFile(part)), BYTES.subarray(0, 200_000));
  set.server.behave(PATH, { kind: 'otherEtag', etag: '"old"' });
  const before = set.server.requests.length;
  await set.manager.resume(ENTRY.id);
  expect(await set.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done', sha256: SHA256 });
  // Under load the rest may take more than one request.
  expect(set.server.requests[before]?.range).toBe('bytes=200000-');
  await expectWhole(set);
});

test('a file of another length instead of the rest loses nothing', async () => {
  const { folder, part } = await halfDone();
  const set = await setUp({ folder: async () => folder, behaviour: { kind: 'noRanges' } });
  set.server.serve(PATH, BYTES.subarray(0, 1000));
  const { problem } = await run(set);
  expect(problem).toMatchObject({
    kind: 'hash',
    message: expect.stringContaining('has 1,000 bytes instead of') as string,
  });
  expect((await stat(part)).size).toBe(200_000);
});

test('if the hash is known, a new validator does not restart the download', async () => {
  const { folder } = await halfDone();
  const set = await setUp({ folder: async () => folder, behaviour: { kind: 'otherEtag', etag: '"of the mirror"' } });
  expect(await run(set)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(set.server.requests).toMatchObject([{ range: 'bytes=200000-', ifRange: null }]);
  expect(set.log.records()).toMatchObject([{ bytes: 100_000 }]);
});

test('wrong bytes from before are detected by the hash, and the download restarts once', async () => {
  const { folder, part } = await halfDone();
  await writeFile(part, Buffer.alloc(200_000));
  const set = await setUp({ folder: async () => folder });
  expect(await run(set)).toMatchObject({ phase: 'done', sha256: SHA256 });
  expect(set.server.requests.map(({ range }) => range)).toEqual(['bytes=200000-', null]);
  await expectWhole(set);

  const wrong = await halfDone();
  const mirror = await setUp({ folder: async () => wrong.folder, behaviour: { kind: 'otherBytes' } });
  expect(await run(mirror)).toMatchObject({ phase: 'failed', bytes: 0, problem: { kind: 'hash' } });
  expect(mirror.server.requests.map(({ range }) => range)).toEqual(['bytes=200000-', null]);
  expect(await readdir(wrong.folder)).toEqual([]);
});

test('a partial file is kept until the whole file arrives from a server without ranges', async () => {
  const { folder, part } = await halfDone();
  const set = await setUp({ folder: async () => folder, times: IMPATIENT });
  set.server.behave(PATH, { kind: 'unsatisfiable', times: 1 }, { kind: 'hang' });
  expect(await run(set)).toMatchObject({ phase: 'failed', bytes: 200_000, problem: { kind: 'timeout' } });
  expect((await stat(part)).size).toBe(200_000);
  set.server.behave(PATH, { kind: 'unsatisfiable' });
  await set.manager.resume(ENTRY.id);
  expect(await set.manager.settled(ENTRY.id)).toMatchObject({ phase: 'done', sha256: SHA256 });
  await expectWhole(set);
});

test('an endless body is stopped at the size in the catalogue, and deleted', async () => {
  const set = await setUp({ behaviour: { kind: 'endless' } });
  const { problem, bytes } = await run(set);
  expect(problem).toMatchObject({ kind: 'hash' });
  expect(problem?.message).toContain('sent more than the file’s 300.0\u00a0kB. The partial download was deleted.');
  expect(bytes).toBe(0);
  expect(await readdir(set.folder)).toEqual([]);
  expect(Math.max(...set.seen.map((seen) => seen.bytes))).toBeLessThanOrEqual(BYTES.length);

  // The bytes from before an endless rest are still valid.
  const { folder, part } = await halfDone();
  const rest = await setUp({ folder: async () => folder, behaviour: { kind: 'endless' } });
  expect(await run(rest)).toMatchObject({ phase: 'failed', bytes: 200_000, problem: { kind: 'hash' } });
  expectSameBits(new Uint8Array(await readFile(part)), BYTES.subarray(0, 200_000));
});

test('a body of unknown size leaves free space on the disk, and is deleted', async () => {
  const looks: number[] = [];
  const set = await setUp({
    entry: UNCHECKED,
    behaviour: { kind: 'endless' },
    // Like a disk of 100 MiB on which nothing else is written.
    freeBytes: async (folder) => {
      const written = await stat(join(folder, `${ENTRY.file}.part`)).then(
        ({ size }) => size,
        () => 0,
      );
      looks.push(written);
      return 100 * MIB - written;
    },
  });
  const { problem } = await run(set, UNCHECKED);
  expect(problem).toMatchObject({
    kind: 'disk',
    message: expect.stringContaining(
      'file’s size. What this attempt downloaded was deleted. Free some space',
    ) as string,
  });
  expect(Math.max(...looks)).toBeGreaterThan(20 * MIB);
  expect(Math.max(...looks)).toBeLessThan(36 * MIB);
  expect(await readdir(set.folder)).toEqual([]);
});

test('a file of unknown size arrives completely', async () => {
  const set = await setUp({ entry: UNCHECKED, behaviour: { kind: 'noLength' } });
  expect(await run(set, UNCHECKED)).toMatchObject({ phase: 'done', sha256: SHA256, totalBytes: null });
  await expectWhole(set);
});

test('two fast clicks start one download, which reacts to Pause, Cancel and quitting at once', async () => {
  const set = await setUp({ behaviour: { kind: 'slow', chunkBytes: 10_000, waitMs: 50 } });
  const clicks = [set.manager.start(ENTRY), set.manager.list(), set.manager.start(ENTRY), set.manager.start(ENTRY)];
  // Before the first one is set up.
  const early = set.manager.pause(ENTRY.id);
  await Promise.all(clicks);
  expect(await early).toMatchObject({ phase: 'paused' });

  await Promise.all([set.manager.resume(ENTRY.id), set.manager.resume(ENTRY.id), set.manager.start(ENTRY)]);
  await vi.waitFor(() => expect(set.seen.at(-1)?.bytes).toBeGreaterThan(20_000));
  expect(await set.manager.list()).toMatchObject([{ phase: 'downloading' }]);
  const paused = await set.manager.pause(ENTRY.id);
  expect(paused.phase).toBe('paused');
  expect((await stat(join(set.folder, `${ENTRY.file}.part`))).size).toBe(paused.bytes);
  await set.manager.stop();
  const { length } = set.server.requests;
  await Promise.all([set.manager.start(ENTRY), set.manager.start(ENTRY)]);
  await vi.waitFor(() => expect(set.server.requests.length).toBe(length + 1));
  await set.manager.cancel(ENTRY.id);
  expect(await readdir(set.folder)).toEqual([]);
  expect(set.server.requests).toHaveLength(length + 1);
});

test('a job whose lock may belong to another process waits for its heartbeat, and can be paused meanwhile', async () => {
  const folder = await temporaryFolder();
  const { lockPath } = new PartFile(folder, ENTRY.file);
  const elsewhere = { ...newHolder('file'), token: 'elsewhere', machine: 'elsewhere', boot: 'other', pid: 1 };
  await writeFile(lockPath, JSON.stringify(elsewhere));
  const set = await setUp({ folder: async () => folder });
  await set.manager.start(ENTRY);
  const asked = performance.now();
  expect(await set.manager.pause(ENTRY.id)).toMatchObject({ phase: 'paused' });
  // Without the signal it would be the five seconds after which a lock counts as abandoned.
  expect(performance.now() - asked).toBeLessThan(2500);
  expect(set.server.requests).toEqual([]);

  await set.manager.resume(ENTRY.id);
  const heart = setInterval(() => void utimes(lockPath, new Date(), new Date()).catch(() => undefined), 50);
  onTestFinished(() => clearInterval(heart));
  expect((await set.manager.settled(ENTRY.id)).problem).toMatchObject({ kind: 'busy' });
});
