import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import {
  detailsOf,
  openStore,
  replyEnd,
  replyTurn,
  smallChat,
  title,
  tokensOf,
  userTurn,
  write,
} from './test-support/chats.ts';

const texts = (from: number, count: number) => Array.from({ length: count }, (_, at) => ` token${from + at}`);
const chunk = (turn: string, from: number, count: number) => ({
  events: [tokensOf(turn, from, ...texts(from, count))],
  details: [{ turn, from, details: Array.from({ length: count }, (_, at) => detailsOf(from + at)) }],
});

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** All of them with `npm run test:full`. */
const MANY = isFull ? 5000 : 500;
/** Tokens of a long reply. */
const LONG = isFull ? 100_000 : 20_000;
const LONG_WORDS = LONG.toLocaleString('en');

test(`one more token costs the same at 100 and at ${LONG_WORDS} tokens`, async () => {
  const { store, files } = await openStore();
  let { revision } = await store.write(write('c', 0, [...smallChat(), replyTurn('r2', 'u1')]));
  const costs: Record<number, { read: number; written: number }> = {};
  for (let tokens = 0; tokens <= LONG;) {
    if (tokens === 100 || tokens === LONG) {
      const before = { ...files.moved };
      ({ revision } = await store.write({ ...write('c', revision, []), ...chunk('r2', tokens, 1) }));
      const { read, written } = files.moved;
      costs[tokens] = { read: read - before.read, written: written - before.written };
      tokens++;
    }
    const count = tokens === 0 ? 100 : tokens === 101 ? 3899 : 4000;
    ({ revision } = await store.write({ ...write('c', revision, []), ...chunk('r2', tokens, count) }));
    tokens += count;
  }
  expect(costs[100].read).toBe(0);
  expect(costs[LONG].read).toBe(0);
  // The same except for the longer numbers.
  expect(costs[LONG].written - costs[100].written).toBeLessThan(200);
});

test(`a chat of ${LONG_WORDS} tokens with details is read from its journal alone, and compacted to one line`, async () => {
  const { store, files, folder, close } = await openStore();
  let { revision } = await store.write(write('c', 0, [...smallChat(), replyTurn('r2', 'u1')]));
  for (let from = 0; from < LONG; from += 4000) {
    // As many lines as a page writes, in fewer writes.
    const parts = Array.from({ length: 400 }, (_, at) => chunk('r2', from + 10 * at, 10));
    const [events, details] = [parts.flatMap((part) => part.events), parts.flatMap((part) => part.details)];
    ({ revision } = await store.write({ ...write('c', revision, events), details }));
  }
  await store.write(write('c', revision, [replyEnd('r2')]));
  await close();
  const journal = join(folder, 'chats', 'c.jsonl');
  const { length } = await readFile(journal);
  const second = await openStore(folder);
  await second.store.list();
  const start = performance.now();
  const chat = await second.store.get('c');
  console.info(
    `${LONG_WORDS} tokens opened in ${(performance.now() - start).toFixed(0)} ms (${(length / 1e6).toFixed(1)} MB)`,
  );
  expect(second.files.moved.read).toBeLessThan(2 * length);
  expect(chat?.turns[2]).toMatchObject({ id: 'r2' });
  await second.close();
  // Header, facts, three turns, two of them with tokens.
  expect((await readFile(journal, 'utf8')).split('\n')).toHaveLength(7 + 1);
  const third = await openStore(folder);
  expect(await third.store.get('c')).toEqual(chat);
  const range = { id: 'c', turn: 'r2', from: LONG - 10, count: 10 };
  expect(await third.store.details(range)).toEqual(Array.from({ length: 10 }, (_, at) => detailsOf(LONG - 10 + at)));
  expect(files.moved.written).toBeGreaterThan(length);
}, 240_000);

if (isFull) {
  test('100 regenerations do not increase memory', async () => {
    // Without garbage that the test itself would create.
    const { store } = await openStore(undefined, { emit: () => undefined });
    let { revision } = await store.write(write('c', 0, smallChat()));
    const regenerate = async (from: number, to: number) => {
      for (let reply = from; reply < to; reply++) {
        const turn = `reply-${reply}`;
        ({ revision } = await store.write(write('c', revision, [replyTurn(turn, 'u1')])));
        for (let at = 0; at < 300; at += 50) {
          ({ revision } = await store.write({ ...write('c', revision, []), ...chunk(turn, at, 50) }));
        }
        ({ revision } = await store.write(write('c', revision, [replyEnd(turn)])));
      }
      await store.settled();
      setFlagsFromString('--expose-gc');
      (runInNewContext('gc') as () => void)();
      return process.memoryUsage().heapUsed;
    };
    const before = await regenerate(0, 10);
    const after = await regenerate(10, 110);
    expect((after - before) / 1e6).toBeLessThan(5);
  }, 240_000);
}

test('thousands of chats are listed and searched without opening one', async () => {
  const first = await openStore();
  for (let chat = 0; chat < MANY; chat++) {
    const events = [title(`Chat ${chat}`), userTurn('u', null, `Question number ${chat} about penguins`)];
    await first.store.write(write(`chat-${chat}`, 0, events));
  }
  await first.close();
  const { store, files } = await openStore(first.folder);
  const start = performance.now();
  const list = await store.list();
  const listed = performance.now();
  expect(list).toHaveLength(MANY);
  expect(await store.search('NUMBER 471 about')).toMatchObject([{ id: 'chat-471' }]);
  const found = performance.now();
  console.info(
    `${MANY} chats: listed in ${(listed - start).toFixed(0)} ms, searched in ${(found - listed).toFixed(0)} ms`,
  );
  expect(await store.search('penguin')).toHaveLength(MANY);
  // Journals are read through these files; the index is not.
  expect(files.moved.read).toBe(0);
}, 400_000);
