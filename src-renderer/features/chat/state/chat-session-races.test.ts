import { beforeEach, expect, it, vi } from 'vitest';
import { MAX_ATTACHMENTS } from '../../../../src-main/protocol/app/chats/chat.ts';
import { MAX_TEXT } from '../../../../src-main/protocol/fields.ts';
import { end, MODEL, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';

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
  expect(session.attachments.problems).toEqual(['A message can have 20 files. Remove 1.']);
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

it('does not generate in a chat that was deleted while a model was loaded for it', async () => {
  const { session, chats, api, engine } = opened;
  await session.send('Once');
  const { id, lastReply } = chats.current;
  const other = { ...MODEL, id: 'opened-1', name: 'Other' };
  api.loadScripts = [['pause', other]];
  const regenerating = session.regenerateWith(lastReply!, other, () => engine.load({ modelId: other.id }));
  await vi.waitFor(() => expect(api.loads).toHaveLength(2));
  await session.leave(id);
  api.resume();
  await regenerating;
  expect(api.requests).toHaveLength(1);
});
