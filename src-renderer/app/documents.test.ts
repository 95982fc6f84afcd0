import { expect, it } from 'vitest';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import { textOfUpdates } from '../../src-main/protocol/app/chats/notebook.ts';
import { ChatsState } from '../features/chat/state/chats.svelte.ts';
import { MODEL, REPLY_FACTS } from '../features/chat/test-support/fakes.ts';
import { openSession } from '../features/chat/test-support/session.ts';
import { ThreadJump } from '../features/chat/state/thread-jump.svelte.ts';
import { openAsChat } from '../features/compare/state/lane-chat.ts';
import { newLaneSettings } from '../features/compare/state/lane-settings.ts';
import { open, type } from '../features/notebook/test-support/open-notebook.ts';
import { Documents } from './documents.svelte.ts';

const REPLY = {
  text: ' upon',
  tokens: { ids: [4], lengths: [5], parts: [0], logprobs: [-1], latencies: [3] },
};

it('jumps to what was found, unless its document could not be opened', async () => {
  const { chats, session } = await openSession();
  const { notebooks, session: notebookSession } = await open();
  const jump = new ThreadJump();
  const documents = new Documents({ chats, session, jump }, { notebooks, notebookSession });
  await session.send('Once');
  await chats.flush();
  const { id, path } = chats.current;
  const hit = { turn: path[0].id, before: '', match: 'Once', after: '' };
  documents.newChat();
  await documents.open(id, hit, 'once');
  expect(jump.target).toEqual({ chatId: id, turn: hit.turn, query: 'once' });
  jump.done();
  documents.newChat();
  await documents.open('a-deleted-chat', hit, 'once');
  expect(documents.currentId).toBeNull();
  expect(jump.target).toBeNull();
});

it('opens notebooks without the settings of a new chat, which is kept', async () => {
  const { chats, session } = await openSession();
  const { notebooks, session: notebookSession } = await open();
  const documents = new Documents({ chats, session, jump: new ThreadJump() }, { notebooks, notebookSession });
  const started = chats.current;
  started.settings = { sampling: { topK: 3 }, stop: {} };
  documents.newNotebook('A text');
  expect(chats.current.settings).toBeNull();
  documents.newChat();
  expect(chats.current).toBe(started);
});

it('shows a chat that was made elsewhere in place of the notebook', async () => {
  const { chats, session } = await openSession();
  const { notebooks, session: notebookSession } = await open();
  const documents = new Documents({ chats, session, jump: new ThreadJump() }, { notebooks, notebookSession });
  documents.newNotebook('A text');
  const { id } = documents.notebook!;
  const settings = newLaneSettings({ id: MODEL.id, name: MODEL.name });
  openAsChat(chats, { kind: 'text', text: 'Once' }, settings, [{ ...REPLY, facts: REPLY_FACTS }]);
  expect(documents.currentId).toBe(id);
  documents.showChat();
  expect([documents.isChat, documents.currentId]).toEqual([true, chats.current.id]);
  expect(documents.title).toBe('Once · Tokenscope');
});

it('leaves the notebook open that was opened while a chat was read', async () => {
  const { chats, session, services } = await openSession();
  const { notebooks, session: notebookSession } = await open();
  const documents = new Documents({ chats, session, jump: new ThreadJump() }, { notebooks, notebookSession });
  await session.send('Once');
  await chats.flush();
  const { id } = chats.current;
  documents.newChat();
  let read: () => void = () => undefined;
  services.delay = new Promise((resolve) => (read = resolve));
  const opening = documents.open(id);
  services.delay = Promise.resolve();
  documents.newNotebook('A text');
  const { notebook } = documents;
  read();
  await opening;
  expect(documents.notebook).toBe(notebook);
});

it.each([
  ['cannot be deleted', 'failure', true],
  ['is restored', 'fullDisk', true],
  ['is restored behind a chat', 'fullDisk', false],
] as const)('a notebook that %s has what was not saved before', async (_, fault, isShown) => {
  const { session } = await openSession();
  const { notebooks, session: notebookSession, services } = await open();
  const chats = new ChatsState(services);
  const documents = new Documents({ chats, session, jump: new ThreadJump() }, { notebooks, notebookSession });
  documents.newNotebook('Saved');
  await notebooks.flush();
  const notebook = documents.notebook!;
  services[fault] = new EngineError('STORAGE', 'The disk is full.');
  type(notebook, 5, ', and typed');
  if (!isShown) documents.newChat();
  const reopen = await documents.leave(notebook.id);
  expect(documents.notebook).toBeNull();
  const undo = await chats.remove(notebook.id);
  expect(undo === null).toBe(fault === 'failure');
  await undo?.();
  reopen();
  services[fault] = null;
  await notebooks.flush();
  expect(documents.notebook).toBe(isShown ? notebook : null);
  expect(notebook.text.toString()).toBe('Saved, and typed');
  const stored = await services.invoke('chatGet', notebook.id);
  expect(textOfUpdates(stored!.updates!)).toBe('Saved, and typed');
});
