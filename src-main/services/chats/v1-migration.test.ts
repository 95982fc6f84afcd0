import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NO_TOKEN, REPLY_PARTS, type StoredChat, type StoredReplyTurn } from '../../protocol/app/chats/chat.ts';
import { InstanceLock } from '../instance-lock.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { ChatFiles } from './files.ts';
import { AT, openStore, title, write } from './test-support/chats.ts';
import { parseV1Chat, type V1Chat, type V1Turn, type V1Version } from './v1-format.ts';
import { eventsOfV1 } from './v1-migration.ts';
import { pieceReader } from './v1-pieces.ts';

/**
 * Written by the last version before the journal: several versions and Continue, an error, an interrupted reply, Unicode.
 */
const FIXTURES = join(import.meta.dirname, 'fixtures', 'v1', 'chats');
const fixtures = await readdir(FIXTURES);
const read = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as V1Chat;

async function folderWith(...names: string[]): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'chats'));
  for (const name of names) await copyFile(join(FIXTURES, name), join(folder, 'chats', name));
  return folder;
}

/** Adds a file in one step: a half-copied one would count as damaged. */
async function put(folder: string, name: string): Promise<void> {
  const unfinished = join(folder, 'chats', `${name}.tmp`);
  await copyFile(join(FIXTURES, name), unfinished);
  await rename(unfinished, join(folder, 'chats', name));
}

const repliesOf = (chat: StoredChat | null, parent: string | null) =>
  (chat?.turns ?? []).filter((turn): turn is StoredReplyTurn => turn.role === 'assistant' && turn.parent === parent);

describe.each(fixtures)('the chat %s of the first format', (name) => {
  test('has all turns, versions, tokens and candidates', async () => {
    const { store, folder, notices } = await openStore(await folderWith(name));
    const old = await read(join(FIXTURES, name));
    const chat = await store.get(old.id);
    const { title: text, modelId, modelName, systemPrompt, createdAt, updatedAt } = old;
    expect(chat).toMatchObject({ title: text, modelId, modelName, systemPrompt, createdAt, updatedAt });
    let parent: string | null = null;
    for (const turn of old.turns) {
      if (turn.role === 'user') {
        expect(chat?.turns).toContainEqual({ ...turn, parent });
        parent = turn.id;
        continue;
      }
      const replies = repliesOf(chat, parent);
      expect(replies.map((reply) => reply.text)).toEqual(turn.versions.map((version) => version.text));
      for (const [index, version] of turn.versions.entries()) {
        const reply = replies[index];
        expectSame(reply, version);
        const count = version.tokens.length;
        const details = await store.details({ id: old.id, turn: reply.id, from: 0, count });
        const read = pieceReader(version.tokens);
        expect(details.map((one) => one?.piece)).toEqual(version.tokens.map((token) => read(token.piece)));
        expect(details.map((one) => one?.candidates.map(({ id }) => id))).toEqual(
          version.tokens.map((token) => token.candidates.map(({ id }) => id)),
        );
        for (const [at, token] of version.tokens.entries()) {
          expect(details[at]?.candidates[0]?.logprob).toBeCloseTo(token.candidates[0].logprob, 4);
        }
      }
      parent = replies[turn.active].id;
    }
    expect(chat?.head).toBe(parent);
    expect(notices()).toEqual([]);
    // The old file is kept unchanged.
    expect(await readFile(join(folder, 'chats', 'v1', name))).toEqual(await readFile(join(FIXTURES, name)));
    expect(await readdir(join(folder, 'chats'))).not.toContain(name);
  });
});

function expectSame({ facts, tokens }: StoredReplyTurn, version: V1Version): void {
  const { stop, timings, seed, sampling, model, executor, notices, promptTokens, contextUsed } = version;
  expect(facts).toMatchObject({ stop, timings, seed, sampling, model, executor, notices, promptTokens, contextUsed });
  expect(facts.modelId).not.toBe('');
  expect(tokens.ids).toEqual(version.tokens.map((token) => token.id));
  expect(tokens.lengths).toEqual(version.tokens.map((token) => token.text.length));
  expect(tokens.parts.map((part) => REPLY_PARTS[part])).toEqual(version.tokens.map((token) => token.part));
  for (const [at, token] of version.tokens.entries()) {
    expect(tokens.logprobs[at]).toBeCloseTo(token.logprob, 4);
    expect(tokens.latencies[at]).toBeCloseTo(token.latencyMs, 3);
  }
}

test('migrated chats are listed and found, and migrating again adds nothing', async () => {
  const folder = await folderWith(...fixtures);
  const first = await openStore(folder);
  await first.store.settled();
  expect(await first.store.search('Lily')).toMatchObject([{ title: 'Once upon a time, there was a little', turns: 5 }]);
  expect(await first.store.list()).toHaveLength(fixtures.length);
  const chats = await Promise.all((await first.store.list()).map(({ id }) => first.store.get(id)));
  // Someone copies the old files back.
  for (const name of fixtures) await put(folder, name);
  await expect
    .poll(async () => (await readdir(join(folder, 'chats'))).filter((name) => name.endsWith('.json')))
    .toEqual([]);
  await first.close();
  const second = await openStore(folder);
  for (const chat of chats) {
    expect((await second.store.get(chat?.id ?? ''))?.turns).toEqual(chat?.turns);
  }
  expect((await readdir(join(folder, 'chats', 'v1'))).length).toBe(2 * fixtures.length);
});

test.each([0, 0.5, 0.99])('a migration with space for %d of its journal can be repeated', async (part) => {
  const [name] = fixtures;
  const old = await read(join(FIXTURES, name));
  const event = eventsOfV1(old).events.at(-1);
  if (event?.type !== 'facts') throw new Error('The facts come last.');
  const { facts } = event;
  const files = new ChatFiles();
  files.fault = (path, bytes) => (path.endsWith(`${old.id}.jsonl`) ? Math.floor(part * bytes) : undefined);
  const { store, folder } = await openStore(await folderWith(name), { files });
  await store.settled();
  expect(await readdir(join(folder, 'chats'))).toEqual(expect.arrayContaining([name, `${old.id}.jsonl`]));
  files.fault = null;
  const chat = await store.get(old.id);
  expect(chat).toMatchObject(facts);
  const questions = (turns: readonly { role: string }[]) => turns.filter(({ role }) => role === 'user').length;
  expect(questions(chat?.turns ?? [])).toBe(questions(old.turns));
  expect(await readdir(join(folder, 'chats', 'v1'))).toEqual([name]);

  // Someone copies the old file back: what was changed since stays.
  await store.write(write(old.id, chat?.revision ?? 0, [title('Renamed')]));
  await put(folder, name);
  expect(await store.get(old.id)).toMatchObject({ ...facts, title: 'Renamed' });
});

test('a chat is migrated when it is opened, and one that an earlier version writes later appears', async () => {
  const folder = await folderWith();
  const { store, events } = await openStore(folder);
  await store.list();
  await put(folder, fixtures[0]);
  await expect.poll(() => events).toContainEqual({ type: 'chats' });
  expect(await store.list()).toHaveLength(1);
});

test('while an earlier version holds the folder, its files are not touched', async () => {
  const folder = await folderWith(fixtures[0]);
  const holder = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 5000, settleMs: 10 });
  await holder.start();
  const { store, lock } = await openStore(folder);
  await store.settled();
  expect(await store.list()).toEqual([]);
  expect(await readdir(join(folder, 'chats'))).toContain(fixtures[0]);
  await holder.release();
  await expect.poll(() => lock.problem).toBeNull();
  store.tookOver();
  await expect.poll(async () => await store.list()).toHaveLength(1);
});

test('damaged files are renamed with a notice, and one of a later version is not changed', async () => {
  const folder = await folderWith(fixtures[0]);
  const later = JSON.stringify({ version: 7, messages: [] });
  await writeFile(join(folder, 'chats', 'cut.json'), '{"id":"cut","tur');
  await writeFile(join(folder, 'chats', 'other.json'), '[1,2,3]');
  await writeFile(join(folder, 'chats', 'later.json'), later);
  const { store, notices } = await openStore(folder);
  await store.settled();
  expect(await store.list()).toHaveLength(1);
  expect(await readFile(join(folder, 'chats', 'cut.json.corrupt'), 'utf8')).toBe('{"id":"cut","tur');
  expect(await readFile(join(folder, 'chats', 'other.json.corrupt'), 'utf8')).toBe('[1,2,3]');
  expect(await readFile(join(folder, 'chats', 'later.json'), 'utf8')).toBe(later);
  expect(notices()).toHaveLength(3);
  expect(notices().join(' ')).toContain('was written by a newer version of Tokenscope');
});

describe('the content of an old file', () => {
  const version = async (change: Partial<V1Version> = {}): Promise<V1Version> => {
    const chat = await read(join(FIXTURES, fixtures[0]));
    const turn = chat.turns.find((one) => one.role === 'assistant');
    return { ...(turn as Extract<V1Turn, { role: 'assistant' }>).versions[0], ...change };
  };
  const chatOf = (turns: unknown[]): V1Chat =>
    parseV1Chat({ id: 'c', title: 't', modelId: '', createdAt: AT, updatedAt: AT, turns }, 'c.json');
  const user = (id: string) => ({ id, role: 'user', text: `text of ${id}`, createdAt: AT });
  const turnsOf = (chat: V1Chat) =>
    eventsOfV1(chat).events.flatMap((event) => (event.type === 'turn' ? [event.turn] : []));

  test('two turns with the same id are both kept', async () => {
    const chat = chatOf([user('a'), user('a'), user('not a file name!'), user('b')]);
    const turns = turnsOf(chat);
    expect(new Set(turns.map((turn) => turn.id)).size).toBe(4);
    expect(turns.every((turn) => /^[A-Za-z0-9_-]{1,64}$/.test(turn.id))).toBe(true);
    expect(turns.map((turn) => turn.parent)).toEqual([null, ...turns.slice(0, -1).map((turn) => turn.id)]);
    expect(turnsOf(chat)).toEqual(turns);
  });

  test('the text of a reply is kept if its token records are damaged or missing', async () => {
    const broken = { ...(await version({ text: 'All the text' })), tokens: [{ id: null }], sampling: {}, timings: 5 };
    const { events, details } = eventsOfV1(
      chatOf([user('a'), { id: 'b', role: 'assistant', active: 7, versions: [broken] }]),
    );
    expect(details).toEqual([]);
    expect(events).toContainEqual({
      type: 'tokens',
      at: AT,
      turn: 'b',
      from: 0,
      text: 'All the text',
      tokens: { ids: [NO_TOKEN], lengths: [12], parts: [0], logprobs: [0], latencies: [0] },
    });
    expect(events.at(-1)).toMatchObject({ facts: { head: 'b' } });
  });

  test('a file that is not a chat is named', () => {
    expect(() => parseV1Chat({ id: 'x' }, 'x.json')).toThrow(/x\.json/);
  });

  test('an answer without a version is skipped', () => {
    const { events } = eventsOfV1(
      chatOf([user('a'), { id: 'b', role: 'assistant', active: 0, versions: [] }, user('c')]),
    );
    expect(events.slice(0, -1)).toMatchObject([{ turn: { id: 'a' } }, { turn: { id: 'c', parent: 'a' } }]);
  });

  test('sampling settings from before all samplers existed keep their values', async () => {
    const sampling = { samplers: ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'], temperature: 0.3, seed: 7 };
    const old = { ...(await version()), sampling };
    const [, reply] = turnsOf(chatOf([user('a'), { id: 'b', role: 'assistant', active: 0, versions: [old] }]));
    expect(reply).toMatchObject({ facts: { sampling: { temperature: 0.3, seed: 7, topK: 40 } } });
  });
});

/** All of them with `npm run test:full`. */
const MANY = process.env.TOKENSCOPE_TEST_FULL === '1' ? 3000 : 300;

/** Stores nothing at first, for longer than lists go without news during a migration, however fast the disk is. */
class SlowDisk extends ChatFiles {
  #ready: Promise<void> | null = null;

  override async sync(path: string): Promise<void> {
    await (this.#ready ??= sleep(400));
    await super.sync(path);
  }
}

test('thousands of chats of the first format do not delay the list, and are available at once the next time', async () => {
  const folder = await folderWith();
  const chat = await read(join(FIXTURES, fixtures[0]));
  for (let at = 0; at < MANY; at++) {
    await writeFile(join(folder, 'chats', `chat-${at}.json`), JSON.stringify({ ...chat, id: `chat-${at}` }));
  }
  const first = await openStore(folder, { files: new SlowDisk() });
  const start = performance.now();
  const early = await first.store.list();
  const listed = performance.now() - start;
  expect(early.length).toBeLessThan(MANY);
  await first.store.settled();
  const migrated = performance.now() - start;
  expect(await first.store.list()).toHaveLength(MANY);
  expect(first.events.filter((event) => event.type === 'chats').length).toBeGreaterThan(1);
  await first.close();
  const second = await openStore(folder);
  const again = performance.now();
  expect(await second.store.list()).toHaveLength(MANY);
  const ready = performance.now() - again;
  console.info(
    `${MANY} old chats: first list after ${listed.toFixed(0)} ms, migrated in ${(migrated / 1000).toFixed(1)} s, ready in ${ready.toFixed(0)} ms after that`,
  );
  expect(second.files.moved.read).toBe(0);
}, 400_000);
