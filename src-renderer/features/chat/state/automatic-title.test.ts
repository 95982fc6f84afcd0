import { expect, it } from 'vitest';
import { messageFrom, type AttachedFile } from '../attachments/message-text.ts';
import { continuedTitle, hasAutomaticTitle, titleOfMessage } from './automatic-title.ts';
import { ChatDocument } from './chat-document.svelte.ts';

const FILE: AttachedFile = { id: 'f', name: 'cats.txt', kind: 'text', bytes: 4, content: 'cats', notes: [] };

it.each<[string, readonly AttachedFile[], string]>([
  ['Tell me about cats', [], 'Tell me about cats'],
  ['Tell me about these', [FILE], 'Tell me about these'],
  [' ', [FILE], 'cats.txt'],
])('is that of the first message, also after it was deleted: %j', (typed, files, title) => {
  const chat = ChatDocument.create();
  expect(hasAutomaticTitle(chat)).toBe(true);
  const { text, attachments } = messageFrom(typed, files);
  const first = chat.addUserTurn(text, null, attachments);
  chat.title = titleOfMessage(typed, files);
  expect(chat.title).toBe(title);
  chat.remove(first);
  expect([chat.isEmpty, hasAutomaticTitle(chat)]).toEqual([true, true]);
  chat.title = 'My cats';
  expect(hasAutomaticTitle(chat)).toBe(false);
});

it('is that of the chat that is continued, until a person renames it', () => {
  const chat = ChatDocument.create();
  chat.title = continuedTitle('c'.repeat(200));
  expect(chat.title).toBe(`${'c'.repeat(180)} (continued)`);
  expect(hasAutomaticTitle(chat)).toBe(true);
  chat.title = 'My cats';
  expect(hasAutomaticTitle(chat)).toBe(false);
});
