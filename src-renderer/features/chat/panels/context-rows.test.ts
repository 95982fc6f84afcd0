import { describe, expect, it } from 'vitest';
import type { PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { ChatDocument } from '../state/chat-document.svelte.ts';
import { promptRows, replyRow } from './context-rows.ts';
import { contextUse, droppedTokens } from '../state/context-use.ts';
import type { Reply } from '../state/reply.svelte.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';

function answered(chat: ChatDocument, text: string, count: number): Reply {
  chat.addUserTurn(text);
  const reply = chat.addReply(REPLY_FACTS);
  reply.append(Array.from({ length: count }, (_, index) => token(index)));
  return reply;
}

function contextRows(chat: ChatDocument, reply: Reply, segments: readonly PromptSegment[]) {
  const { rows, own } = promptRows(chat, reply, { segments, dropped: null }, droppedTokens(reply));
  return [...rows, replyRow(reply, own)];
}

const segment = (role: 'user' | 'assistant', message: number, tokens: number, dropped = false): PromptSegment => {
  return { role, message, tokens, dropped };
};

it('lists what was read, in order, what is dropped and what goes first', () => {
  const chat = ChatDocument.create();
  answered(chat, 'one', 2);
  answered(chat, 'two', 1);
  const reply = answered(chat, 'three', 3);
  const segments = [
    segment('user', 0, 1, true),
    segment('assistant', 1, 2, true),
    segment('user', 2, 1),
    segment('assistant', 3, 1),
    segment('user', 4, 1),
  ];
  reply.note({ promptTokens: 4, contextUsed: 7, stop: { reason: 'eos', token: null } });
  const rows = contextRows(chat, reply, segments);
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
  const segments = [segment('user', 0, 1), segment('assistant', 1, 2)];
  reply.note({ promptTokens: 4, contextUsed: 7, runStart: 2 });
  expect(contextRows(chat, reply, segments).map((row) => [row.who, row.tokens])).toEqual([
    ['you', 1],
    ['model', 5],
  ]);
});

it('gathers the oldest messages of a long chat in one row', () => {
  const chat = ChatDocument.create();
  chat.systemPrompt = 'Be brief.';
  const segments: PromptSegment[] = [{ role: 'system', message: 0, tokens: 5, dropped: false }];
  for (let turn = 0; turn < 500; turn++) {
    chat.addUserTurn(`message ${turn}`);
    segments.push(segment('user', turn + 1, 2, turn < 10));
  }
  const reply = chat.addReply(REPLY_FACTS);
  const rows = contextRows(chat, reply, segments);
  expect(rows).toHaveLength(203);
  expect(rows.slice(0, 3)).toMatchObject([
    { who: 'system', tokens: 5 },
    { who: 'earlier', text: '300 earlier messages', tokens: 580, dropped: false, next: true },
    { who: 'you', text: 'message 300', tokens: 2 },
  ]);
});

it('looks past an answer that was refused', () => {
  const chat = ChatDocument.create();
  expect(chat.lastStarted).toBeNull();
  const reply = answered(chat, 'one', 2);
  reply.note({ promptTokens: 2 });
  answered(chat, 'too long', 0);
  expect(chat.lastStarted).toBe(reply);
});

describe('after a reply that went on in a full window', () => {
  /** 60 tokens of prompt, 10 of them the system's, 80 written, and a window of 100 of which 40 were dropped. */
  function shifted(): { chat: ChatDocument; reply: Reply; segments: PromptSegment[] } {
    const chat = ChatDocument.create();
    chat.systemPrompt = 'Be brief.';
    answered(chat, 'one', 1);
    const reply = answered(chat, 'two', 80);
    reply.note({ promptTokens: 60, systemTokens: 10, contextUsed: 100, stop: { reason: 'eos', token: null } });
    const system = { role: 'system', message: 0, tokens: 10, dropped: false } as const;
    const segments = [system, segment('user', 1, 20), segment('assistant', 2, 10), segment('user', 3, 20)];
    return { chat, reply, segments };
  }

  it('counts what is still in the window', () => {
    const { reply } = shifted();
    expect(contextUse(reply, 100)).toEqual({
      system: 10,
      history: 10,
      reply: 80,
      used: 100,
      size: 100,
      level: 'danger',
    });
    reply.note({ contextUsed: 70 });
    expect(contextUse(reply, 100)).toMatchObject({ system: 10, history: 0, reply: 60, used: 70 });
  });

  it('has rows that add up to it', () => {
    const { chat, reply, segments } = shifted();
    const rows = contextRows(chat, reply, segments);
    expect(rows.map((row) => [row.tokens, row.dropped])).toEqual([
      [10, false],
      [0, true],
      [0, true],
      [10, false],
      [80, false],
    ]);
    expect(rows.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(100);
  });
});

it.each([
  ['added', '', 'Be brief.'],
  ['removed', 'Be brief.', ''],
])('names the messages rightly when the system prompt was %s after the reply', (_, then, now) => {
  const chat = ChatDocument.create();
  chat.systemPrompt = then;
  answered(chat, 'one', 2);
  const reply = answered(chat, 'two', 5);
  reply.note({ promptTokens: 8, contextUsed: 11, runStart: 2 });
  const first = then === '' ? 0 : 1;
  const segments = [
    ...(then === '' ? [] : [{ role: 'system', message: 0, tokens: 4, dropped: false } as const]),
    segment('user', first, 1),
    segment('assistant', first + 1, 2),
    segment('user', first + 2, 1),
    segment('assistant', first + 3, 2),
  ];
  chat.systemPrompt = now;
  expect(contextRows(chat, reply, segments).map((row) => [row.who, row.text, row.tokens])).toEqual([
    ...(then === '' ? [] : [['system', now, 4]]),
    ['you', 'one', 1],
    ['model', 't0 t1', 2],
    ['you', 'two', 1],
    ['model', 't0 t1 t2 t3 t4', 5],
  ]);
});
