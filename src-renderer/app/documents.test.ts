import { expect, it } from 'vitest';
import { openSession } from '../features/chat/test-support/session.ts';
import { ThreadJump } from '../features/chat/state/thread-jump.svelte.ts';
import { open } from '../features/notebook/test-support/open-notebook.ts';
import { Documents } from './documents.svelte.ts';

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
