import { beforeEach, expect, it, vi } from 'vitest';
import { EngineError } from '../../../src-main/engine/errors.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { ChatsState } from './chats.svelte.ts';
import { Reply } from './reply.svelte.ts';
import { FakeServices, token } from './test-support/fakes.ts';

let services: FakeServices;
let chats: ChatsState;

function filled(title: string, updatedAt: string): ChatDocument {
  const chat = ChatDocument.create();
  chat.title = title;
  chat.addUserTurn(title);
  chat.updatedAt = updatedAt;
  return chat;
}

beforeEach(async () => {
  services = new FakeServices();
  for (const chat of [filled('old', '2026-01-01T00:00:00.000Z'), filled('new', '2026-02-01T00:00:00.000Z')]) {
    services.chats.set(chat.id, chat.toStored());
  }
  chats = new ChatsState(services);
  await chats.refresh();
});

const titles = () => chats.list.map((chat) => chat.title);

it('lists chats newest first and opens them', async () => {
  expect(titles()).toEqual(['new', 'old']);
  expect(chats.currentId).toBeNull();
  await chats.select(chats.list[1].id);
  expect(chats.current.title).toBe('old');
  expect(chats.currentId).toBe(chats.list[1].id);
});

it('leaves the open chat where it is when another one is gone', async () => {
  const { id } = chats.list[0];
  services.chats.delete(id);
  const before = chats.current;
  await chats.select(id);
  expect(chats.current).toBe(before);
  expect(titles()).toEqual(['old']);
});

it('keeps a new chat off the disk until it has a turn', async () => {
  await chats.select(chats.list[0].id);
  chats.create();
  const fresh = chats.current;
  chats.create();
  expect(chats.current).toBe(fresh);
  await chats.flush();
  expect(services.chats.size).toBe(2);
  fresh.addUserTurn('hello');
  chats.touch(fresh);
  // Another window's news must not take the unwritten chat off the list.
  services.emit({ type: 'chats' });
  await vi.waitFor(() => expect(chats.list).toHaveLength(3));
  expect(chats.list[0].id).toBe(fresh.id);
  await chats.flush();
  expect(services.chats.get(fresh.id)?.turns).toHaveLength(1);
});

it('gathers changes before it writes, and gives the open document back', async () => {
  vi.useFakeTimers();
  await chats.select(chats.list[1].id);
  const chat = chats.current;
  chats.touch(chat);
  chats.touch(chat);
  chats.create();
  await chats.select(chat.id);
  expect(chats.current).toBe(chat);
  expect(services.calls.filter((call) => call === 'chatSave')).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1000);
  vi.useRealTimers();
  expect(services.calls.filter((call) => call === 'chatSave')).toHaveLength(1);
  expect(titles()).toEqual(['old', 'new']);
});

it('renames open and closed chats', async () => {
  const [fresh, old] = chats.list;
  await chats.select(old.id);
  await chats.rename(old.id, 'older');
  await chats.rename(fresh.id, 'newer');
  expect(chats.current.title).toBe('older');
  expect(services.chats.get(old.id)?.title).toBe('older');
  expect(services.chats.get(fresh.id)?.title).toBe('newer');
});

it('deletes, and brings back on undo', async () => {
  const { id } = chats.list[0];
  await chats.select(id);
  const undo = await chats.remove(id);
  expect(services.chats.has(id)).toBe(false);
  expect(titles()).toEqual(['old']);
  expect(chats.currentId).toBeNull();
  await undo?.();
  expect(titles()).toEqual(['new', 'old']);
  expect(chats.currentId).toBe(id);
});

it('searches, and forgets answers that come too late', async () => {
  vi.useFakeTimers();
  chats.search = 'ol';
  await vi.advanceTimersByTimeAsync(200);
  expect(chats.found?.map((chat) => chat.title)).toEqual(['old']);
  chats.search = ' ';
  expect(chats.found).toBeNull();
  vi.useRealTimers();
});

it('says why something could not be done', async () => {
  services.failure = new EngineError('STORAGE', 'The disk is full.');
  expect(await chats.remove(chats.list[0].id)).toBeNull();
  expect(chats.error).toBe('The disk is full.');
  services.failure = null;
  await chats.refresh();
  expect(chats.error).toBeNull();
});

it('stores replies as they are and restores them, interrupted ones too', async () => {
  const chat = filled('story', '2026-03-01T00:00:00.000Z');
  const reply = new Reply({ createdAt: chat.createdAt, sampling: {} as never });
  reply.append(Array.from({ length: 150 }, (_, index) => token(index)));
  chat.addAnswer().addVersion(reply);
  const restored = ChatDocument.from(structuredClone(chat.toStored()));
  expect(restored.lastReply?.interrupted).toBe(true);
  expect(restored.lastReply?.text).toBe(reply.text);
  expect(restored.lastReply?.blocks.map((block) => block.length)).toEqual([64, 64, 22]);
  expect(restored.toStored()).toEqual(chat.toStored());
});

it('keeps the text of a stored reply whose tokens were lost', () => {
  const chat = filled('story', '2026-03-01T00:00:00.000Z');
  chat.addAnswer().addVersion(new Reply({ createdAt: chat.createdAt, sampling: {} as never }));
  const stored = chat.toStored();
  const [, answer] = stored.turns;
  if (answer.role === 'assistant') answer.versions[0].text = 'What was said';
  const restored = ChatDocument.from(stored);
  expect(restored.messages().at(-1)?.message.text).toBe('What was said');
});

it('grows a reply without touching blocks that are full', () => {
  const reply = new Reply({ createdAt: '', sampling: {} as never });
  reply.append(Array.from({ length: 70 }, (_, index) => token(index)));
  const [full, open] = reply.blocks;
  reply.append([token(0)]);
  expect(reply.blocks[0]).toBe(full);
  expect(reply.blocks[1]).not.toBe(open);
  expect(reply.tokens[70].index).toBe(70);
});
