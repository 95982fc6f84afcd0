import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { chatFileText, eventsOfChat, portable, readChatFile } from '../../protocol/app/chats/chat-file.ts';
import type { ChatEvent } from '../../protocol/app/chats/chat.ts';
import { applyUpdate, encodeUpdate, isUpdate, notebookText, textOfUpdates } from '../../protocol/app/chats/notebook.ts';
import { at, openStore, title, write } from './test-support/chats.ts';

/** One page's copy of a notebook, with the changes that it made. */
function page(updates: readonly string[] = []) {
  const document = new Y.Doc();
  for (const update of updates) applyUpdate(document, update, null);
  const changes: ChatEvent[] = [];
  document.on('update', (update: Uint8Array) => changes.push(at({ type: 'update', update: encodeUpdate(update) })));
  return { text: notebookText(document), changes };
}

test('two pages that write at once lose nothing, and end up with the same text', async () => {
  const { folder, store } = await openStore();
  const other = await openStore(folder);
  const first = page();
  first.text.insert(0, 'The cat sat.');
  await store.write(write('n', 0, [title('The cat sat'), ...first.changes]));
  const second = page((await other.store.get('n'))?.updates);
  const before = first.changes.length;
  first.text.insert(7, ' quietly');
  first.text.delete(0, 4);
  second.text.insert(12, ' It slept.');
  second.text.insert(4, 'black ');
  // Each is based on the revision before the other's. The first is sent twice, because its answer was lost.
  await store.write(write('n', 2, first.changes.slice(before)));
  await store.write(write('n', 2, first.changes.slice(before)));
  const { missed } = await other.store.write(write('n', 2, second.changes));
  expect(missed).toHaveLength(4);
  const stored = await store.get('n');
  expect(textOfUpdates(stored?.updates ?? [])).toBe('black cat quietly sat. It slept.');
  expect(await other.store.get('n')).toEqual(stored);
});

test('a notebook is listed, found by its text, and survives compaction and a restart', async () => {
  const first = await openStore();
  const writer = page();
  writer.text.insert(0, 'Needle');
  await first.store.write(write('n', 0, [title('Notes'), ...writer.changes]));
  await first.store.write(write('c', 0, [title('A chat')]));
  for (let base = 2; base < 140; base++) {
    writer.text.insert(0, `${base} `);
    await first.store.write(write('n', base, writer.changes.slice(-1)));
  }
  const text = writer.text.toString();
  // Reading it compacts it.
  expect((await first.store.get('n'))?.updates).toHaveLength(139);
  expect(await first.store.list()).toContainEqual(expect.objectContaining({ id: 'n', notebook: true, turns: 0 }));
  expect((await first.store.list()).find(({ id }) => id === 'c')?.notebook).toBeUndefined();
  expect(await first.store.search('needle')).toMatchObject([{ id: 'n', hit: { match: 'needle' } }]);
  expect(await first.store.hit({ id: 'n', turn: 'notebook', query: 'needle' })).toMatchObject({ match: 'Needle' });
  await first.close();
  const second = await openStore(first.folder);
  const stored = await second.store.get('n');
  expect(stored?.updates).toHaveLength(1);
  expect(textOfUpdates(stored?.updates ?? [])).toBe(text);
});

test('a deleted notebook is listed as one among deleted chats, and restored with its text', async () => {
  const first = await openStore();
  const writer = page();
  writer.text.insert(0, 'Needle');
  await first.store.write(write('n', 0, [title('Notes'), ...writer.changes]));
  await first.store.delete('n');
  expect(await first.store.deleted()).toMatchObject([{ id: 'n', title: 'Notes', notebook: true, turns: 0 }]);
  await first.close();
  const second = await openStore(first.folder);
  expect(await second.store.deleted()).toMatchObject([{ id: 'n', notebook: true }]);
  await second.store.restore('n');
  expect(textOfUpdates((await second.store.get('n'))?.updates ?? [])).toBe('Needle');
});

test('text that was deleted from a notebook is not found any more, also after a restart', async () => {
  const first = await openStore();
  const writer = page();
  writer.text.insert(0, 'Marmalade and toast');
  await first.store.write(write('n', 0, [title('Breakfast'), ...writer.changes]));
  expect(await first.store.search('marmalade')).toMatchObject([{ id: 'n' }]);
  writer.text.delete(0, 'Marmalade and '.length);
  await first.store.write(write('n', 2, writer.changes.slice(-1)));
  expect(await first.store.search('marmalade')).toEqual([]);
  expect(await first.store.search('toast')).toMatchObject([{ id: 'n' }]);
  await first.close();
  const second = await openStore(first.folder);
  await second.store.settled();
  expect(await second.store.search('marmalade')).toEqual([]);
  expect(await second.store.search('toast')).toMatchObject([{ id: 'n' }]);
  // The index is complete, so nothing was read again.
  expect(second.files.moved.read).toBe(0);
});

test('a file of notebooks has the same text, and the same bytes when it is exported again', async () => {
  const { store } = await openStore();
  const writer = page();
  writer.text.insert(0, 'One\n\ntwo');
  writer.text.delete(3, 1);
  await store.write(write('n', 0, [title('Notes'), ...writer.changes]));
  const stored = await store.get('n');
  if (stored === null) throw new Error('It was not stored.');
  const file = chatFileText([portable(stored)]);
  const { chats, problems } = readChatFile(JSON.parse(file) as { version: unknown; chats: unknown });
  expect(problems).toEqual([]);
  await store.write(write('m', 0, eventsOfChat(chats[0].chat)));
  const imported = await store.get('m');
  expect(textOfUpdates(imported?.updates ?? [])).toBe('One\ntwo');
  if (imported !== null) expect(chatFileText([portable(imported)])).toBe(file);
});

test('what is not a change of a text is refused', () => {
  expect(isUpdate('AAA=')).toBe(true);
  for (const text of ['', 'not Base64!', '////', 'AQEB']) expect(isUpdate(text), text).toBe(false);
  const document = new Y.Doc();
  const update = () => encodeUpdate(Y.encodeStateAsUpdate(document));
  notebookText(document).insert(0, 'One two', { token: 'r 0' });
  notebookText(document).delete(2, 2);
  expect(isUpdate(update())).toBe(true);
  // It would count as a character, which the text does not have.
  notebookText(document).insertEmbed(1, { image: 'x' });
  expect(isUpdate(update())).toBe(false);
});
