import { beforeEach, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { MAX_ATTACHMENTS } from '../../../../src-main/protocol/app/chats/chat.ts';
import { MAX_TEXT } from '../../../../src-main/protocol/fields.ts';
import { end, memoryStorage, MODEL, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import type { UserTurn } from './chat-document.svelte.ts';
import { Drafts } from './drafts.svelte.ts';

type Opened = Awaited<ReturnType<typeof openSession>>;
let opened: Opened;
/** Answers the oldest question whether a message fits. */
let answer: (fits: boolean) => void;

beforeEach(async () => {
  opened = await openSession();
});

/** Messages are measured until `answer` is called. */
async function measuring(): Promise<void> {
  opened = await openSession({ fits: () => new Promise((resolve) => (answer = resolve)) });
}

/** Messages are measured until they are answered one by one. */
async function asking(): Promise<((fits: boolean) => void)[]> {
  const questions: ((fits: boolean) => void)[] = [];
  opened = await openSession({ fits: () => new Promise((resolve) => questions.push(resolve)) });
  return questions;
}

const said = () => opened.chats.current.path.map(({ text }) => text);
const file = (name: string) => ({ id: name, name, kind: 'text', bytes: 1, content: name, notes: [] }) as const;
const files = Array.from({ length: MAX_ATTACHMENTS }, (_, at) => file(`${at}.txt`));

/** A reply that waits after two tokens. @returns resolves when it has ended, and what was queued with it */
async function running(): Promise<{ sending: Promise<void> }> {
  opened.api.scripts = [[start(), ...tokens(2), 'pause', end(2)]];
  const sending = opened.session.send('Once');
  await vi.waitFor(() => expect(opened.chats.current.lastReply?.count).toBe(2));
  return { sending };
}

it('gives back what could never be stored, and says why', async () => {
  const { session, api, chats } = opened;
  await session.send('Look', [...files, file('one-more.txt')]);
  expect(session.attachments.problems).toEqual(['A message can have at most 20 files. Remove 1.']);
  expect([session.draft, session.attachments.files.length]).toEqual(['Look', 21]);
  session.takeDraft();
  await session.send('x'.repeat(MAX_TEXT + 1));
  expect(session.attachments.problems[0]).toContain('The message has 8,388,609 characters.');
  expect(session.draft).toHaveLength(MAX_TEXT + 1);
  expect(chats.current.isEmpty).toBe(true);
  expect(api.requests).toEqual([]);
});

it('shows a queued message again in its chat, and sends it there', async () => {
  const { session, chats } = opened;
  await session.send('First chat');
  const { id } = chats.current;
  chats.create();
  const { sending } = await running();
  await chats.select(id);
  await session.send('Queued');
  chats.create();
  await chats.flush();
  await chats.select(id);
  expect(session.queued).toEqual(['Queued']);
  opened.api.resume();
  await sending;
  expect(said()).toEqual(['First chat', 't0 t1 t2', 'Queued', 't0 t1 t2']);
});

it('leads back to a new chat whose message was not sent', async () => {
  const { session, chats } = opened;
  const { sending } = await running();
  const { id } = chats.current;
  chats.create();
  await session.send('Queued in a new chat');
  await chats.select(id);
  session.stop('load Other');
  await sending;
  chats.create();
  expect(session.queued).toEqual(['Queued in a new chat']);
  await session.sendQueued();
  expect(said()).toEqual(['Queued in a new chat', 't0 t1 t2']);
  await chats.flush();
  const stored = await opened.services.invoke('chatGet', chats.current.id);
  expect(stored?.turns.map(({ text }) => text)).toEqual(said());
});

it('does not send what was measured in a chat that is deleted meanwhile', async () => {
  await measuring();
  const { session, api, chats } = opened;
  const sending = session.send('Once');
  const leaving = session.leave(chats.current.id);
  answer(true);
  await Promise.all([sending, leaving]);
  expect(said()).toEqual([]);
  expect(api.requests).toEqual([]);
});

it('generates nothing in a chat while it is deleted', async () => {
  const { session, chats, api, services } = opened;
  await session.send('Once');
  const { id, lastReply } = chats.current;
  await session.leave(id);
  let deleted: () => void = () => undefined;
  services.delay = new Promise((resolve) => (deleted = resolve));
  const removing = chats.remove(id);
  // It is still on the screen.
  expect(session.turns.waits).toBe(true);
  await session.send('Too late');
  await session.regenerate();
  await session.continueReply();
  await session.proceed(lastReply!);
  await session.branch(lastReply!, 1, 93);
  deleted();
  await removing;
  await chats.flush();
  expect(api.requests).toHaveLength(1);
  expect(chats.unsaved).toEqual([]);
  expect(await services.invoke('chatsList')).toEqual([]);
});

it('generates again in a chat that was restored, and has the message that was not sent', async () => {
  const { session, chats, api } = opened;
  await session.send('Once');
  const stay = await session.leave(chats.current.id);
  await session.send('Too late');
  const undo = await chats.remove(chats.current.id);
  expect(session.draft).toBe('');
  await undo?.();
  stay();
  expect(session.draft).toBe('Too late');
  expect(session.turns.waits).toBe(false);
  await session.regenerate();
  expect(api.requests).toHaveLength(2);
});

it('has queued messages in the composer of a chat that was restored, in their order', async () => {
  const { session, chats, api } = opened;
  const { sending } = await running();
  await session.send('one', [file('one.txt')]);
  session.draft = 'typed';
  const leaving = session.leave(chats.current.id);
  await session.send('two');
  const stay = await leaving;
  await sending;
  const undo = await chats.remove(chats.current.id);
  expect(session.draft).toBe('');
  await undo?.();
  stay();
  expect(session.draft).toBe('one\ntwo\ntyped');
  expect(session.attachments.files.map(({ name }) => name)).toEqual(['one.txt']);
  expect(api.requests).toHaveLength(1);
});

it('has queued messages in the composer of a chat that could not be deleted', async () => {
  const { session, chats, services } = opened;
  const { sending } = await running();
  await session.send('Queued');
  const stay = await session.leave(chats.current.id);
  await sending;
  await chats.flush();
  services.failure = new EngineError('STORAGE', 'The disk is full.');
  expect(await chats.remove(chats.current.id)).toBeNull();
  services.failure = null;
  stay();
  expect([session.draft, session.queued]).toEqual(['Queued', []]);
});

it('stores queued messages as drafts when the page is closed, except those of deleted chats', async () => {
  const storage = memoryStorage();
  const drafts = new Drafts(storage);
  opened = await openSession({ drafts });
  const { session, chats, api } = opened;
  await session.send('To be deleted');
  const deleted = chats.current.id;
  chats.create();
  const { sending } = await running();
  const { id } = chats.current;
  await session.send('one');
  await session.send('two');
  session.draft = 'typed';
  await chats.select(deleted);
  await session.send('deleted');
  await session.leave(deleted);
  session.keepQueued();
  drafts.flush();
  const stored = new Drafts(storage);
  expect([stored.get(id), stored.get(deleted)]).toEqual(['one\ntwo\ntyped', '']);
  api.resume();
  await sending;
  expect(api.requests).toHaveLength(2);
});

it('stores a message that is being measured when the page is closed', async () => {
  const questions = await asking();
  const { session } = opened;
  const first = session.send('Measured');
  await session.send('Queued');
  session.keepQueued();
  expect([session.draft, session.queued]).toEqual(['Measured\nQueued', []]);
  questions[0]!(true);
  await first;
});

it('sends what was queued in another chat while a message was measured that does not fit', async () => {
  const questions = await asking();
  const { session, chats } = opened;
  const stored = chats.current;
  stored.addUserTurn('Stored');
  await chats.flush();
  chats.create();
  const first = session.send('Too long');
  await chats.select(stored.id);
  await session.send('Other');
  expect([session.checking, session.queued]).toEqual([true, ['Other']]);
  questions[0]!(false);
  await vi.waitFor(() => expect(questions).toHaveLength(2));
  questions[1]!(true);
  await first;
  expect(said()).toEqual(['Stored', 'Other', 't0 t1 t2']);
  chats.create();
  expect(session.draft).toBe('Too long');
});

it('keeps the order of messages, though a reply is regenerated while the first is measured', async () => {
  const questions = await asking();
  const { session, chats, api } = opened;
  chats.current.addUserTurn('Once');
  await session.turns.answer(chats.current.path[0] as UserTurn);
  const first = session.send('one');
  api.scripts = [[start(), ...tokens(2), 'pause', end(2)]];
  const regenerating = session.regenerate();
  await session.send('two');
  questions[0]!(true);
  await first;
  expect(session.queued).toEqual(['one', 'two']);
  await vi.waitFor(() => expect(chats.current.lastReply?.count).toBe(2));
  api.resume();
  for (const at of [1, 2]) {
    await vi.waitFor(() => expect(questions).toHaveLength(at + 1));
    questions[at]!(true);
  }
  await regenerating;
  expect(said()).toEqual(['Once', 't0 t1', 'one', 't0 t1 t2', 'two', 't0 t1 t2']);
});

it('keeps the order of messages, though a queued one is sent by hand while the first is measured', async () => {
  const questions = await asking();
  const { session } = opened;
  const first = session.send('one');
  await session.send('two');
  await session.sendQueued();
  expect(questions).toHaveLength(1);
  questions[0]!(true);
  await vi.waitFor(() => expect(questions).toHaveLength(2));
  questions[1]!(true);
  await first;
  expect(said()).toEqual(['one', 't0 t1 t2', 'two', 't0 t1 t2']);
});

it('does not send a message when another view has taken the engine while it was measured', async () => {
  const questions = await asking();
  const { session, api } = opened;
  const sending = session.send('one');
  session.unavailable = () => 'Compare is using another model.';
  questions[0]!(true);
  await sending;
  expect([session.queued, api.requests]).toEqual([['one'], []]);
});

it('keeps what is written and attached in a new chat while its first message is measured', async () => {
  const questions = await asking();
  const { session, chats } = opened;
  const sending = session.send('Once');
  session.draft = 'And then?';
  let read: (bytes: ArrayBuffer) => void = () => undefined;
  const slow = new File(['x'], 'slow.txt');
  slow.arrayBuffer = () => new Promise((resolve) => (read = resolve));
  const attaching = session.attachments.add([slow]);
  questions[0]!(true);
  await sending;
  expect(session.draft).toBe('And then?');
  expect(session.attachments.reading).toEqual(['slow.txt']);
  read(Uint8Array.of(120).buffer);
  await attaching;
  expect(session.attachments.files.map(({ name }) => name)).toEqual(['slow.txt']);
  chats.create();
  expect([session.draft, session.attachments.files]).toEqual(['', []]);
});

it('keeps what is queued when the message before it is deleted', async () => {
  const { session, chats, api } = opened;
  const { sending } = await running();
  await session.send('Next');
  const undo = await session.turns.remove(chats.current.path[0]!);
  await sending;
  expect(session.queued).toEqual(['Next']);
  expect(api.requests).toHaveLength(1);
  await undo();
  expect(said()).toEqual(['Once', 't0 t1']);
  await session.sendQueued();
  expect(said()).toEqual(['Once', 't0 t1', 'Next', 't0 t1 t2']);
});

it('gives a message back that needs another model while one is being loaded', async () => {
  const { session, chats, api, engine } = opened;
  await session.send('Once');
  const other = { ...MODEL, id: 'opened-1', name: 'Other' };
  api.loadScripts = [['pause', other]];
  const load = () => engine.load({ modelId: other.id });
  const loading = session.loadAndSend('Twice', other, load);
  await vi.waitFor(() => expect(engine.progress).not.toBeNull());
  chats.create();
  await session.loadAndSend('Elsewhere', { id: 'third', name: 'Third' }, () => Promise.resolve());
  expect(session.draft).toBe('Elsewhere');
  expect(session.loadingToAnswer).toBe('Other');
  api.resume();
  await loading;
  expect(api.requests).toHaveLength(2);
});

it('deletes two chats at once, and sends nothing in either', async () => {
  const { session, chats, api } = opened;
  await session.send('Other');
  const other = chats.current.id;
  chats.create();
  const { sending } = await running();
  await session.send('Next');
  await Promise.all([session.leave(chats.current.id), session.leave(other)]);
  await sending;
  expect(session.queued).toEqual([]);
  expect(api.requests).toHaveLength(2);
});

it('ends a run with its reply, so that a click on Regenerate right after it counts', async () => {
  const { session, api, chats } = opened;
  // The stream of the engine ends a moment after the reply.
  api.scripts = [[start(), ...tokens(2), end(2), 'pause']];
  void session.send('Once');
  await vi.waitFor(() => expect(chats.current.lastReply?.stop?.reason).toBe('eos'));
  await session.regenerate();
  expect(api.requests).toHaveLength(2);
});

it('does not generate in a chat that was deleted while a model was loaded for it', async () => {
  const { session, chats, api, engine } = opened;
  await session.send('Once');
  const { id, lastReply } = chats.current;
  const other = { ...MODEL, id: 'opened-1', name: 'Other' };
  api.loadScripts = [['pause', other]];
  const regenerating = session.turns.regenerateWith(lastReply!, other, () => engine.load({ modelId: other.id }));
  await vi.waitFor(() => expect(api.loads).toHaveLength(2));
  await session.leave(id);
  api.resume();
  await regenerating;
  expect(api.requests).toHaveLength(1);
});

it('keeps what is typed while a chat is read for that chat, and loses nothing if it cannot be read', async () => {
  const { session, chats, services } = opened;
  await session.send('Once');
  await chats.flush();
  const { id } = chats.current;
  chats.create();
  session.draft = 'for a new chat';
  let read: () => void = () => undefined;
  services.delay = new Promise((resolve) => (read = resolve));
  const selecting = chats.select(id);
  expect(session.draft).toBe('');
  session.draft = 'And';
  read();
  await selecting;
  expect([chats.current.id, session.draft]).toEqual([id, 'And']);
  chats.create();
  services.failure = new EngineError('STORAGE', 'The disk cannot be read.');
  const failing = chats.select(id);
  session.draft += ' then?';
  await failing;
  expect(session.draft).toBe('for a new chat');
  services.failure = null;
  await chats.select(id);
  expect(session.draft).toBe('And then?');
  chats.create();
  // Another page has deleted it.
  await services.invoke('chatDelete', id);
  await chats.select(id);
  expect(session.draft).toBe('for a new chat\nAnd then?');
});
