import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NOTEBOOK_TEXT } from '../../protocol/app/chats/notebook.ts';
import { ChatIndex } from './chat-index.ts';
import { ChatFiles, type OpenFile } from './files.ts';

test('texts are found while they are written, and afterwards', async () => {
  const { index, files } = await openIndex();
  add(index, 'before', 'a needle');
  await index.flush();
  add(index, 'now', 'another needle');
  files.hold();
  const flushed = index.flush();
  expect(await found(index)).toEqual(['before', 'now']);
  add(index, 'later', 'a third needle');
  expect(await found(index)).toEqual(['before', 'now', 'later']);
  files.release();
  await flushed;
  expect(await found(index)).toEqual(['before', 'now', 'later']);
  await index.flush();
  expect(await found(index)).toEqual(['before', 'now', 'later']);
  expect(await index.incomplete()).toEqual([]);
});

test('of a notebook, only the latest text is found and kept', async () => {
  const { index, folder } = await openIndex();
  add(index, 'n', 'a needle', { turn: NOTEBOOK_TEXT });
  add(index, 'n', 'of a reply', { all: false });
  await index.flush();
  expect(await found(index)).toEqual(['n']);
  add(index, 'n', 'hay', { turn: NOTEBOOK_TEXT, all: false });
  expect(await found(index)).toEqual([]);
  await index.flush();
  expect(await found(index)).toEqual([]);
  expect(await index.incomplete()).toEqual([]);
  await index.tidy(true);
  const texts = await readFile(join(folder, 'index', 'texts.txt'), 'utf8');
  expect(texts).not.toContain('needle');
  expect(texts.match(/hay\n|of a reply\n/g)).toHaveLength(2);
  expect(await index.incomplete()).toEqual([]);
});

test('a full disk leaves no part of the texts behind, however often writing them is repeated', async () => {
  const { index, files, folder } = await openIndex();
  add(index, 'before', 'a needle');
  await index.flush();
  const texts = async () => await readFile(join(folder, 'index', 'texts.txt'), 'utf8');
  const before = await texts();
  add(index, 'now', 'another needle');
  files.fault = () => 10;
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(index.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await texts()).toBe(before);
  }
  files.fault = null;
  await index.flush();
  expect(await found(index)).toEqual(['before', 'now']);
  expect(await index.incomplete()).toEqual([]);
});

/** Its next write waits for `release`. */
class SlowFiles extends ChatFiles {
  #held: Promise<void> | null = null;
  #release = (): void => undefined;

  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
  }

  override async openToAppend(path: string, create: boolean): Promise<OpenFile> {
    await this.#held;
    return await super.openToAppend(path, create);
  }
}

test('other work gets its turn while a large index is read', async () => {
  const { index, files, folder } = await openIndex();
  for (let at = 0; at < 2000; at++) add(index, `c${at}`, 'hay');
  await index.flush();
  const again = new ChatIndex(join(folder, 'index'), files);
  let isRead = false;
  const reading = again.load().then(() => (isRead = true));
  const seen: number[] = [];
  while (!isRead) {
    seen.push(again.entries.size);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reading;
  expect(again.entries.size).toBe(2000);
  expect(seen.filter((size) => size > 0 && size < 2000).length).toBeGreaterThanOrEqual(3);
});

async function openIndex(): Promise<{ index: ChatIndex; files: SlowFiles; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-index-'));
  const files = new SlowFiles();
  const index = new ChatIndex(join(folder, 'index'), files);
  onTestFinished(async () => {
    index.close();
    await rm(folder, { recursive: true });
  });
  return { index, files, folder };
}

function add(index: ChatIndex, id: string, text: string, { turn = 'u', all = true } = {}): void {
  const time = '2026-01-01T00:00:00.000Z';
  const summary = { id, title: '', createdAt: time, updatedAt: time, turns: 1, pinned: false, folder: '' };
  index.set(id, { summary, stamp: '1', hidden: [], isPartial: false }, [{ turn, text }], all);
}

async function found(index: ChatIndex): Promise<string[]> {
  return (await index.search('needle')).map(({ id }) => id);
}
