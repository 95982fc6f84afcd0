import { expect, it } from 'vitest';
import type { PromptSegment } from '../../../src-main/engine/types.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { contextRows } from './context-rows.ts';
import { Reply } from './reply.svelte.ts';
import { token } from './test-support/fakes.ts';

function answered(chat: ChatDocument, text: string, count: number): Reply {
  chat.addUserTurn(text);
  const reply = new Reply({ createdAt: '', sampling: {} as never });
  reply.append(Array.from({ length: count }, (_, index) => token(index)));
  chat.addAnswer().addVersion(reply);
  return reply;
}

const segment = (role: 'user' | 'assistant', message: number, tokens: number, dropped = false): PromptSegment => {
  return { role, message, tokens, dropped };
};

it('lists what was read, in order, what is dropped and what goes first', () => {
  const chat = ChatDocument.create();
  answered(chat, 'one', 2);
  answered(chat, 'two', 1);
  const reply = answered(chat, 'three', 3);
  reply.segments = [
    segment('user', 0, 1, true),
    segment('assistant', 1, 2, true),
    segment('user', 2, 1),
    segment('assistant', 3, 1),
    segment('user', 4, 1),
  ];
  reply.promptTokens = 4;
  reply.contextUsed = 7;
  const rows = contextRows(chat, chat.lastAnswer!, reply);
  expect(rows.map((row) => [row.who, row.text, row.tokens, row.dropped, row.next, row.live])).toEqual([
    ['you', 'one', 1, true, false, false],
    ['model', 't0 t1', 2, true, false, false],
    ['you', 'two', 1, false, true, false],
    ['model', 't0', 1, false, false, false],
    ['you', 'three', 1, false, false, false],
    ['model', 't0 t1 t2', 3, false, false, true],
  ]);
});

it('counts a continued reply once, with what it had before', () => {
  const chat = ChatDocument.create();
  const reply = answered(chat, 'one', 5);
  reply.segments = [segment('user', 0, 1), segment('assistant', 1, 2)];
  reply.promptTokens = 4;
  reply.contextUsed = 7;
  expect(contextRows(chat, chat.lastAnswer!, reply).map((row) => [row.who, row.tokens])).toEqual([
    ['you', 1],
    ['model', 5],
  ]);
});

it('looks past an answer that was refused', () => {
  const chat = ChatDocument.create();
  expect(chat.lastStarted).toBeNull();
  const reply = answered(chat, 'one', 2);
  reply.promptTokens = 2;
  answered(chat, 'too long', 0);
  expect(chat.lastStarted).toEqual({ answer: chat.turns[1], reply });
});
