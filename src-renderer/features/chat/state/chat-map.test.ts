import { expect, it } from 'vitest';
import { REPLY_FACTS } from '../test-support/fakes.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { chatMap, textOfTurn } from './chat-map.ts';

it('joins turns without versions, and shows each fork with its branches', () => {
  const chat = ChatDocument.create();
  const question = chat.addUserTurn('One');
  const first = chat.addReply(REPLY_FACTS);
  chat.addUserTurn('Two');
  chat.addReply(REPLY_FACTS);
  const second = chat.addReply(REPLY_FACTS, question.id);
  expect(
    chatMap(chat).map(({ first: { id }, turns, depth, isShown, isHead }) => [id, turns, depth, isShown, isHead]),
  ).toEqual([
    [question.id, 1, 0, true, false],
    [first.id, 3, 1, false, false],
    [second.id, 1, 1, true, true],
  ]);
  chat.remove(second);
  expect(chatMap(chat).map(({ turns }) => turns)).toEqual([4]);
});

it('is empty for an empty chat, and shows several beginnings', () => {
  const chat = ChatDocument.create();
  expect(chatMap(chat)).toEqual([]);
  chat.addUserTurn('One', null);
  chat.addUserTurn('Two', null);
  expect(chatMap(chat).map(({ depth, isHead }) => [depth, isHead])).toEqual([
    [1, false],
    [1, true],
  ]);
});

it('shortens texts to one line', () => {
  const chat = ChatDocument.create();
  expect(textOfTurn(chat.addUserTurn('  one\n two '))).toBe('one two');
  expect(textOfTurn(chat.addUserTurn('x'.repeat(100)))).toBe(`${'x'.repeat(80)}…`);
});
