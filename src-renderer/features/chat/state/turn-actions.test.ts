import { beforeEach, expect, it, vi } from 'vitest';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import { end, type FakeEngine, MODEL, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { PageLine } from '../test-support/store.ts';
import { type ChatDocument, type ChatTurn, type UserTurn } from './chat-document.svelte.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import { type Reply } from './reply.svelte.ts';

let services: PageLine;
let api: FakeEngine;
let chats: ChatsState;
let engine: EngineState;
let session: ChatSession;

beforeEach(async () => {
  ({ services, api, chats, engine, session } = await openSession());
});

const texts = () => chats.current.path.map(({ text }) => text);
const user = (at: number) => chats.current.path[at] as UserTurn;
const reply = (at: number) => chats.current.path[at] as Reply;
const versions = (turn: ChatTurn) => chats.current.versionsOf(turn).length;
const saved = async () => {
  await chats.flush();
  return (await services.invoke('chatGet', chats.current.id))!;
};

/** Opens a session with one reply. @returns a function that says whether the message being measured fits */
async function measuring(): Promise<(fits: boolean) => void> {
  let answer: (fits: boolean) => void = () => undefined;
  let asks = false;
  const fits = () => (asks ? new Promise<boolean>((resolve) => (answer = resolve)) : Promise.resolve(true));
  ({ services, api, chats, engine, session } = await openSession({ fits }));
  await session.send('One');
  asks = true;
  return (isFitting) => answer(isFitting);
}

it('sends a changed message as another version, and keeps the first with its replies', async () => {
  await session.send('One');
  await session.send('Two');
  const first = user(0);
  session.turns.open(first);
  expect(session.turns.textOf(first)).toBe('One');
  await session.turns.send(first, 'Uno');
  expect(session.turns.textOf(first)).toBeNull();
  expect(texts()).toEqual(['Uno', 't0 t1 t2']);
  expect(versions(user(0))).toBe(2);
  expect(api.requests[2]?.prompt).toMatchObject({ messages: [{ role: 'user', text: 'Uno' }] });
  session.showVersion(user(0), 0);
  expect(texts()).toEqual(['One', 't0 t1 t2', 'Two', 't0 t1 t2']);
  expect((await saved()).turns).toHaveLength(6);
});

it('sends a changed message in its own chat, whatever is opened while it is measured', async () => {
  const answer = await measuring();
  const [chat, first] = [chats.current, user(0)];
  const sending = session.turns.send(first, 'Uno');
  chats.create();
  chats.current.addUserTurn('Another chat');
  answer(true);
  await sending;
  expect(texts()).toEqual(['Another chat']);
  expect(chat.path.map(({ text }) => text)).toEqual(['Uno', 't0 t1 t2']);
  await chats.flush();
  expect((await services.invoke('chatGet', chat.id))?.turns.map(({ text }) => text)).toContain('Uno');
});

it('does not send a changed message in a chat that is deleted while it is measured', async () => {
  const answer = await measuring();
  const sending = session.turns.send(user(0), 'Uno');
  const leaving = session.leave(chats.current.id);
  answer(true);
  await Promise.all([sending, leaving]);
  expect(api.requests).toHaveLength(1);
});

it('does not send a changed message whose editor is closed while it is measured', async () => {
  const answer = await measuring();
  session.turns.open(user(0));
  const sending = session.turns.send(user(0), 'Uno');
  session.turns.close(user(0));
  answer(true);
  await sending;
  expect(texts()).toEqual(['One', 't0 t1 t2']);
  expect(api.requests).toHaveLength(1);
});

it('keeps the text of an open editor to its chat, of which a copy has turns with the same ids', async () => {
  await session.send('One');
  const original = chats.current.id;
  session.turns.open(user(0));
  session.turns.setText(user(0), 'edit', 'A draft');
  await chats.flush();
  await chats.duplicate(original);
  expect(chats.current.id).not.toBe(original);
  expect(session.turns.textOf(user(0))).toBeNull();
  await session.turns.send(user(0), 'Uno');
  session.turns.open(user(0));
  session.turns.close(user(0));
  await chats.select(original);
  expect(session.turns.textOf(user(0))).toBe('A draft');
});

it('closes the editor of the message that it sends, whatever copy is opened while it is measured', async () => {
  const answer = await measuring();
  const original = chats.current.id;
  session.turns.open(user(0));
  const sending = session.turns.send(user(0), 'Uno');
  await chats.duplicate(original);
  session.turns.open(user(0));
  session.turns.setText(user(0), 'edit', 'Another draft');
  answer(true);
  await sending;
  expect(session.turns.textOf(user(0))).toBe('Another draft');
  await chats.select(original);
  expect(texts()).toEqual(['Uno', 't0 t1 t2']);
  session.showVersion(user(0), 0);
  expect(session.turns.textOf(user(0))).toBeNull();
});

it('stores a reply of any length that a person wrote', async () => {
  chats.current.addUserTurn('Count.');
  const lines = 'x\n'.repeat(100_001);
  await session.turns.writeReply(user(0), lines, false);
  expect((await saved()).turns[1]?.text).toBe(lines);
});

it('sends a changed message with the files that were not removed', async () => {
  const file = (name: string) => ({ id: name, name, kind: 'text', bytes: 1, content: name, notes: [] }) as const;
  await session.send('Why?', [file('a.txt'), file('b.txt')]);
  const first = user(0);
  session.turns.open(first);
  expect(session.turns.textOf(first)).toBe('Why?');
  session.turns.removeFile(first, first.attachments[0]!);
  session.turns.close(first);
  expect(session.turns.filesOf(first)).toHaveLength(2);
  session.turns.removeFile(first, first.attachments[0]!);
  await session.turns.send(first, '');
  expect(texts()[0]).toBe('File: b.txt\n```\nb.txt\n```');
  expect(user(0).attachments.map(({ name }) => name)).toEqual(['b.txt']);
  session.turns.removeFile(user(0), user(0).attachments[0]!);
  await session.turns.send(user(0), ' ');
  expect(versions(user(0))).toBe(2);
});

it('saves a changed reply with the tokens before the change, and continues from it', async () => {
  await session.send('One');
  const before = reply(1);
  await session.turns.saveReply(before, 't0 t1 and you', false);
  expect(texts()).toEqual(['One', 't0 t1 and you']);
  expect(reply(1).facts.edit).toEqual({ turn: before.id, index: 2 });
  expect([before.typed, reply(1).typed]).toEqual([false, true]);
  expect(reply(1).ids(0, reply(1).count)).toEqual([3, 4, NO_TOKEN]);
  expect(reply(1).detailsOf(0)?.piece).toBe('t0');
  expect(before.text).toBe('t0 t1 t2');

  await session.turns.saveReply(reply(1), 'Well,', true);
  expect(texts()[1]).toBe('Well,t0 t1 t2');
  expect(reply(1).typed).toBe(false);
  expect(api.requests[1]?.prompt).toMatchObject({
    messages: [
      { role: 'user', text: 'One' },
      { role: 'assistant', text: 'Well,' },
    ],
  });
  expect(api.requests[1]?.continues).toEqual({ reason: 'user' });
  expect(versions(reply(1))).toBe(3);
  const stored = (await saved()).turns.at(-1);
  expect(stored).toMatchObject({
    text: 'Well,t0 t1 t2',
    facts: { edit: { turn: expect.any(String) as string, index: 0 } },
  });
});

it('takes a reply that a person wrote', async () => {
  await session.send('One');
  await session.turns.writeReply(user(0), 'By hand', false);
  expect(texts()).toEqual(['One', 'By hand']);
  expect(reply(1)).toMatchObject({ model: '', facts: { edit: { turn: null, index: 0 } } });
  await session.turns.writeReply(user(0), '', false);
  expect(versions(reply(1))).toBe(2);
  await session.send('Two');
  expect(api.requests[1]?.prompt).toMatchObject({ messages: [{}, { role: 'assistant', text: 'By hand' }, {}] });
});

it('generates a reply with other settings, in the middle of a chat', async () => {
  await session.send('One');
  await session.send('Two');
  const { sampling } = reply(1);
  await session.turns.regenerate(reply(1), { ...sampling, temperature: 0 });
  expect(api.requests[2]?.sampling.temperature).toBe(0);
  expect(reply(1).sampling.temperature).toBe(0);
  expect(texts()).toEqual(['One', 't0 t1 t2']);
  await session.regenerate();
  expect(api.requests[3]?.sampling).toEqual(sampling);
  expect(versions(reply(1))).toBe(3);
});

it('loads another model for another version', async () => {
  await session.send('One');
  const other = { ...MODEL, id: 'opened-1', name: 'Other' };
  api.loadScripts = [[other]];
  const added: unknown[] = [];
  const onadded = () => added.push([versions(reply(1)), reply(1).text]);
  const loading = async () => {
    await engine.load({ modelId: other.id });
    expect(added).toEqual([]);
  };
  await session.turns.regenerateWith(reply(1), other, loading, onadded);
  // Before it has any text.
  expect(added).toEqual([[2, '']]);
  expect(reply(1).model).toBe('Other');
  expect(versions(reply(1))).toBe(2);
  await session.turns.regenerateWith(reply(1), { id: 'missing', name: 'Missing' }, async () => undefined, onadded);
  expect(added).toHaveLength(1);
  expect(versions(reply(1))).toBe(2);
});

it('continues from an earlier turn, and shows the later ones again', async () => {
  await session.send('One');
  await session.send('Two');
  const undo = session.turns.branchAt(reply(1));
  expect(texts()).toEqual(['One', 't0 t1 t2']);
  await undo();
  expect(texts()).toHaveLength(4);
  session.turns.branchAt(reply(1));
  await session.send('Three');
  expect(texts()[2]).toBe('Three');
  expect(versions(user(2))).toBe(2);
});

it('gives a chat whose messages were all deleted another title, unless a person has named it', async () => {
  await session.send('One');
  await session.turns.remove(user(0));
  await session.send('Two');
  expect(chats.current.title).toBe('Two');
  await chats.rename(chats.current.id, 'Numbers');
  await session.turns.remove(user(0));
  await session.send('Three');
  expect([chats.current.title, texts()[0]]).toEqual(['Numbers', 'Three']);
});

it('deletes a turn with what follows, and restores it', async () => {
  await session.send('One');
  await session.send('Two');
  expect(session.turns.countAfter(user(2))).toBe(1);
  const undo = await session.turns.remove(user(2));
  expect(texts()).toEqual(['One', 't0 t1 t2']);
  await vi.waitFor(() => expect(chats.list[0]?.turns).toBe(2));
  await session.send('Three');
  expect(versions(user(2))).toBe(1);
  expect(api.requests[2]?.prompt).toMatchObject({ messages: [{ text: 'One' }, {}, { text: 'Three' }] });
  await undo();
  expect(texts()[2]).toBe('Two');
  expect(versions(user(2))).toBe(2);
});

it('shows another version in place of a deleted one', async () => {
  await session.send('One');
  const first = reply(1);
  await session.regenerate();
  const undo = await session.turns.remove(reply(1));
  expect(reply(1)).toBe(first);
  await undo();
  expect(reply(1)).not.toBe(first);
});

it('stops a reply that is deleted, and restores its text', async () => {
  api.scripts = [[start(), ...tokens(2), 'pause']];
  const sending = session.send('One');
  await vi.waitFor(() => expect(reply(1).count).toBe(2));
  expect(session.turns.blocks(reply(1))).toContain('Stop it');
  const undo = await session.turns.remove(user(0));
  await sending;
  expect(session.busy).toBe(false);
  expect(chats.current.isEmpty).toBe(true);
  await undo();
  expect(texts()).toEqual(['One', 't0 t1']);
  expect((await saved()).removed).toEqual([]);
});

it('restores a turn after the chat was closed', async () => {
  await session.send('One');
  const { id } = chats.current;
  const undo = await session.turns.remove(reply(1));
  await chats.flush();
  chats.create();
  await undo();
  expect((await services.invoke('chatGet', id))?.removed).toEqual([]);
  await chats.select(id);
  expect(texts()).toEqual(['One', 't0 t1 t2']);
});

it('says that undoing failed if the chat is gone', async () => {
  await session.send('One');
  const { id } = chats.current;
  const undo = await session.turns.remove(reply(1));
  await chats.flush();
  chats.create();
  await services.invoke('chatDelete', id);
  await undo();
  expect(chats.error).toContain('no longer exists');
});

it('does nothing while a reply is generated', async () => {
  api.scripts = [[start(), ...tokens(1), 'pause', end(1)]];
  const sending = session.send('One');
  await vi.waitFor(() => expect(reply(1).count).toBe(1));
  await session.turns.send(user(0), 'Uno');
  await session.turns.regenerate(reply(1));
  await session.turns.saveReply(reply(1), 'No', false);
  expect(texts()).toEqual(['One', 't0']);
  api.resume();
  await sending;
});

it('keeps what two pages change in one chat', async () => {
  await session.send('One');
  const { id } = chats.current;
  const other = new ChatsState(new PageLine(services.services));
  await other.select(id);
  const undo = await session.turns.remove(reply(1));
  await chats.flush();
  await vi.waitFor(() => expect(other.current.path).toHaveLength(1));
  const theirs: ChatDocument = other.current;
  theirs.addUserTurn('From the other page', theirs.head);
  await other.flush();
  await undo();
  await chats.flush();
  await vi.waitFor(() => expect(theirs.followersOf(theirs.path[0].id)).toHaveLength(2));
});

it('does not open an editor for a reply that another page generates', async () => {
  await session.send('One');
  reply(1).elsewhere = true;
  session.turns.open(reply(1));
  expect(session.turns.textOf(reply(1))).toBeNull();
  await session.turns.saveReply(reply(1), 'Mine', false);
  expect(texts()).toEqual(['One', 't0 t1 t2']);
});
