import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import type { ComparisonNews, StoredComparison } from '../../protocol/app/comparisons/comparison.ts';
import { laneReply, storedComparison } from '../../protocol/app/comparisons/test-support/comparisons.ts';
import { blindVote } from '../../protocol/app/comparisons/votes.ts';
import { encodeLine } from '../chats/lines.ts';
import { smallDisk } from '../test-support/small-disk.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { ComparisonStore, type ComparisonStoreOptions } from './comparison-store.ts';

async function openStore(folder?: string, options: Partial<ComparisonStoreOptions> = {}) {
  const dataFolder = folder ?? (await temporaryFolder());
  const events: EmittedEvent[] = [];
  const store = new ComparisonStore({
    dataFolder,
    lock: { problem: null },
    emit: (event) => void events.push(event),
    ...options,
  });
  store.start();
  onTestFinished(() => store.stop());
  const notices = () => events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  const news = () => events.filter((event): event is ComparisonNews => event.type === 'comparison');
  const write = (comparison: StoredComparison, origin = 'page') => store.write({ comparison, origin });
  return { folder: dataFolder, files: join(dataFolder, 'comparisons'), store, write, notices, news };
}

const ids = (runs: readonly { id: string }[]) => runs.map(({ id }) => id);

test('a run is read back as it was written, also after a restart', async () => {
  const { store, write, news, folder, files } = await openStore();
  const run = storedComparison();
  run.votes = [blindVote(run.lanes, 1, run.updatedAt)];
  expect(await write(run)).toEqual({ id: 'run-1', revision: 1 });
  const changed = { ...run, title: 'Cats', pinned: 1, revision: 1, updatedAt: '2026-01-03T00:00:00.000Z' };
  expect(await write(changed)).toEqual({ id: 'run-1', revision: 2 });
  for (const { store: one } of [{ store }, await openStore(folder)]) {
    expect(await one.read('run-1')).toEqual({ ...changed, revision: 2 });
    expect(await one.list()).toEqual([expect.objectContaining({ id: 'run-1', title: 'Cats', votes: run.votes })]);
  }
  expect(news()).toMatchObject([
    { id: 'run-1', origin: 'page', summary: { title: 'The cat', revision: 1 } },
    { id: 'run-1', origin: 'page', summary: { title: 'Cats', revision: 2 } },
  ]);
  expect((await readdir(files)).filter((name) => name.startsWith('run'))).toEqual(['run-1.jsonl']);
  // Only its owner may read it.
  if (process.platform !== 'win32') expect((await stat(join(files, 'run-1.jsonl'))).mode & 0o777).toBe(0o600);
  expect(await store.read('other')).toBeNull();
  await expect(store.read('../settings')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('lists are sorted by the latest change, and read without the runs', async () => {
  const { store, write, files } = await openStore();
  for (const [id, day] of [
    ['a', '02'],
    ['b', '04'],
    ['c', '03'],
  ] as const) {
    await write(storedComparison({ id, updatedAt: `2026-01-${day}T00:00:00.000Z` }));
  }
  const path = join(files, 'b.jsonl');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(' there was', ' there saw'));
  expect(ids(await store.list())).toEqual(['b', 'c', 'a']);
  await expect(store.read('b')).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringMatching(/b\.jsonl is damaged.*The file was not changed/) as string,
  });
});

test('probabilities are stored with six digits, and times to a microsecond', async () => {
  const { store, write } = await openStore();
  const run = storedComparison();
  const reply = laneReply(['a']);
  reply.tokens.logprobs = [-1.23456789];
  reply.tokens.latencies = [0.123456];
  run.lanes[0]!.replies = [reply];
  await write(run);
  expect((await store.read('run-1'))?.lanes[0]?.replies[0]?.tokens).toMatchObject({
    logprobs: [-1.23457],
    latencies: [0.123],
  });
});

test('a run that someone else changed meanwhile is saved as a copy', async () => {
  const { store, write } = await openStore();
  await write(storedComparison(), 'one');
  await write(storedComparison({ revision: 1, title: 'From one' }), 'one');
  const copy = await write(storedComparison({ revision: 1, title: 'From two' }), 'two');
  expect(copy.revision).toBe(1);
  expect(copy.id).not.toBe('run-1');
  expect((await store.read('run-1'))?.title).toBe('From one');
  expect(await store.read(copy.id)).toMatchObject({ id: copy.id, title: 'From two (copy)' });
});

test('a write whose answer was lost can be repeated, also with further changes', async () => {
  const { store, write } = await openStore();
  await write(storedComparison());
  expect(await write(storedComparison({ title: 'Changed' }))).toEqual({ id: 'run-1', revision: 2 });
  expect(await store.list()).toEqual([expect.objectContaining({ id: 'run-1', title: 'Changed' })]);
});

test('a deleted run can be restored, and a late write does not restore it', async () => {
  const { store, write, news } = await openStore();
  const run = storedComparison();
  await write(run);
  await store.list();
  await store.delete('run-1');
  expect(await store.list()).toEqual([]);
  expect(await store.read('run-1')).toBeNull();
  await expect(write({ ...run, revision: 1 })).rejects.toMatchObject({ code: 'COMPARISON_NOT_FOUND' });
  await store.restore('run-1');
  await store.restore('run-1');
  expect(await store.read('run-1')).toEqual({ ...run, revision: 1 });
  expect(news().map(({ summary }) => summary?.id ?? null)).toEqual(['run-1', null, 'run-1']);
  await store.delete('never-there');
  await expect(store.restore('never-there')).rejects.toMatchObject({ code: 'COMPARISON_NOT_FOUND' });
});

test('what was deleted more than 30 days ago is removed at the start, by the process that may', async () => {
  const { store, write, folder, files } = await openStore();
  for (const id of ['old', 'young']) {
    await write(storedComparison({ id }));
    await store.delete(id);
  }
  const longAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
  await utimes(join(files, 'deleted', 'old.jsonl'), longAgo, longAgo);
  const reader = await openStore(folder, { lock: { problem: 'Another one is running.' } });
  await reader.store.list();
  expect((await readdir(join(files, 'deleted'))).toSorted()).toEqual(['old.jsonl', 'young.jsonl']);
  const owner = await openStore(folder);
  await owner.store.list();
  expect(await readdir(join(files, 'deleted'))).toEqual(['young.jsonl']);
});

test('an interrupted deletion counts from when it began', async () => {
  const { store, write, files } = await openStore();
  await write(storedComparison());
  const path = join(files, 'run-1.jsonl');
  await utimes(path, 0, 0);
  // In the way of the run.
  await mkdir(join(files, 'deleted', 'run-1.jsonl', 'inside'), { recursive: true });
  await expect(store.delete('run-1')).rejects.toMatchObject({ code: 'STORAGE' });
  expect((await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 60 * 60 * 1000);
});

describe('a file that cannot be used', () => {
  const later = encodeLine({ format: 'tokenscope-comparison', version: 2 });
  test.each<[string, (path: string) => Promise<void>, RegExp]>([
    ['is empty', (path) => truncate(path), /is damaged/],
    ['is cut', (path) => truncate(path, 100), /is damaged/],
    ['is something else', (path) => writeFile(path, encodeLine({ format: 'tokenscope-chat' })), /not a run of Compare/],
    ['is not text', (path) => writeFile(path, Buffer.alloc(200_000, 0xff)), /is damaged/],
    ['is of a later version', (path) => writeFile(path, later), /newer version of Tokenscope. Update Tokenscope/],
    ['is huge', (path) => truncate(path, 3e9), /has 3000\sMB; the limit is 68\sMB/],
  ])('because it %s is reported once and left alone', async (_, damage, message) => {
    const { folder, files, write } = await openStore();
    await write(storedComparison({ id: 'bad' }));
    await write(storedComparison({ id: 'good' }));
    const path = join(files, 'bad.jsonl');
    await damage(path);
    const { size } = await stat(path);
    const second = await openStore(folder);
    for (let time = 0; time < 2; time++) expect(ids(await second.store.list())).toEqual(['good']);
    expect(second.notices()).toEqual([expect.stringMatching(message)]);
    await expect(second.store.read('bad')).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringMatching(message) as string,
    });
    // A page that still has the run saves it as a copy.
    const copy = await second.write(storedComparison({ id: 'bad', revision: 1 }));
    expect(copy.id).not.toBe('bad');
    expect((await stat(path)).size).toBe(size);
    await second.store.delete('bad');
    await second.store.restore('bad');
    expect((await stat(path)).size).toBe(size);
  });
});

test.each([
  ['ENOSPC', 'the disk is full. Free some space'],
  ['EROFS', 'the disk is read-only'],
  ['EACCES', 'permission denied'],
])('a write that fails with %s loses nothing and can be repeated', async (code, message) => {
  const { folder, write } = await openStore();
  await write(storedComparison());
  const fail = () => Promise.reject(Object.assign(new Error(code), { code }));
  const failing = await openStore(folder, { save: fail });
  const changed = storedComparison({ revision: 1, title: 'Changed' });
  await expect(failing.write(changed)).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining(message) as string,
  });
  expect((await failing.store.read('run-1'))?.title).toBe('The cat');
  expect(await write(changed)).toEqual({ id: 'run-1', revision: 2 });
  expect((await failing.store.read('run-1'))?.title).toBe('Changed');
});

test('a real full and a real read-only disk', async (context) => {
  const { folder, problem } = await smallDisk();
  if (problem !== null) context.skip(`no small disk can be mounted: ${problem}`);
  const { store, write } = await openStore(folder);
  await write(storedComparison());
  const long = storedComparison({ revision: 1, prompt: { kind: 'text', text: 'long '.repeat(60_000) } });
  await expect(write(long)).rejects.toMatchObject({
    message: expect.stringContaining('the disk is full. Free some space') as string,
  });
  expect((await store.read('run-1'))?.prompt).toEqual(storedComparison().prompt);
  const remounted = spawnSync('mount', ['-o', 'remount,ro', folder], { encoding: 'utf8' });
  if (remounted.status !== 0) context.skip(`the disk cannot be made read-only: ${remounted.stderr}`);
  await expect(write(storedComparison({ revision: 1 }))).rejects.toMatchObject({
    message: expect.stringContaining('the disk is read-only') as string,
  });
  await expect(store.delete('run-1')).rejects.toMatchObject({ code: 'STORAGE' });
  expect(ids(await store.list())).toEqual(['run-1']);
  spawnSync('mount', ['-o', 'remount,rw', folder]);
  expect(await write(storedComparison({ revision: 1 }))).toEqual({ id: 'run-1', revision: 2 });
});

test('a run that is too large is refused with the reason', async () => {
  const { store, write } = await openStore();
  const text = 'x'.repeat(8e6);
  const messages = Array.from({ length: 9 }, () => ({ role: 'user', text }) as const);
  await expect(write(storedComparison({ prompt: { kind: 'chat', messages } }))).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringMatching(/^The run was not saved: it has 7\d\sMB/) as string,
  });
  expect(await store.list()).toEqual([]);
});

/** Polling and notifications take long on a busy machine. */
const SOON = { timeout: 20_000 };

test.each([true, false])('changes by another process are noticed (notifications: %s)', async (watch) => {
  const one = await openStore();
  await mkdir(one.files, { recursive: true });
  const two = await openStore(one.folder, { pollMs: 20, watch });
  await two.store.list();
  await one.write(storedComparison(), 'page of one');
  await expect.poll(() => two.news(), SOON).toMatchObject([{ id: 'run-1', origin: '', summary: { title: 'The cat' } }]);
  // Of another length: both files may have the same time.
  await one.write(storedComparison({ revision: 1, title: 'Renamed by one' }), 'page of one');
  await expect.poll(() => two.news().at(-1), SOON).toMatchObject({ origin: '', summary: { title: 'Renamed by one' } });
  await rm(join(one.files, 'run-1.jsonl'));
  await expect.poll(() => two.news().at(-1), SOON).toMatchObject({ id: 'run-1', summary: null });
  expect(one.notices()).toEqual([]);
});

test('a run that is added right after a scan is noticed, although the time of the folder stays the same', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const one = await openStore();
  await mkdir(one.files, { recursive: true });
  const two = await openStore(one.folder, { pollMs: 20, watch: false });
  // As where times are coarse.
  const at = new Date(1000);
  await utimes(one.files, at, at);
  await two.store.list();
  await one.write(storedComparison());
  await utimes(one.files, at, at);
  vi.advanceTimersByTime(20);
  await two.store.stop();
  expect(two.news()).toMatchObject([{ id: 'run-1', origin: '', summary: { title: 'The cat' } }]);
});
