import { expect, it } from 'vitest';
import { ChatDocument } from './chat-document.svelte.ts';
import { contextEvents, contextUse, unreadTurns } from './context-use.ts';
import type { Reply } from './reply.svelte.ts';
import { REPLY_FACTS, start, token } from '../test-support/fakes.ts';

function answered(chat: ChatDocument, text: string, count: number): Reply {
  chat.addUserTurn(text);
  const reply = chat.addReply(REPLY_FACTS);
  reply.append(Array.from({ length: count }, (_, index) => token(index)));
  return reply;
}

/** A reply of 8 tokens to a prompt of 6, after which the window of 10 dropped 2 and then 5 tokens. */
function shifted(): { chat: ChatDocument; reply: Reply } {
  const chat = ChatDocument.create();
  answered(chat, 'one', 1);
  chat.addUserTurn('two');
  const reply = chat.addReply(REPLY_FACTS);
  reply.begin({});
  const event = start(6);
  const segments = [1, 2, 2].map((tokens, message) => {
    return { role: message === 1 ? ('assistant' as const) : ('user' as const), message, tokens, dropped: false };
  });
  if (event.type === 'start') reply.started({ ...event, segments, contextSize: 10 });
  reply.append(Array.from({ length: 8 }, (_, index) => token(index)));
  reply.shifted({ total: 2, segments: [1, 1, 0], reply: 0 }, 4);
  reply.shifted({ total: 7, segments: [1, 2, 2], reply: 2 }, 7);
  return { chat, reply };
}

it('says once where messages were dropped', () => {
  const chat = ChatDocument.create();
  const reply = answered(chat, 'one', 2);
  reply.note({ promptTokens: 4, contextUsed: 6, droppedMessages: 3 });
  expect(contextEvents(reply).map(({ text }) => text)).toEqual([
    'The context window was full. The oldest 3 messages were dropped.',
  ]);
  expect(contextEvents(reply, 2).map(({ text }) => text)).toEqual([
    'The context window was full. 1 more message was dropped.',
  ]);
  expect(contextEvents(reply, 3)).toEqual([]);
});

it('says of each shift where it happened and what it dropped', () => {
  const { reply } = shifted();
  expect(contextEvents(reply)).toEqual([
    { at: 4, text: 'The context window was full at token 5. The oldest 2 tokens were dropped.' },
    { at: 7, text: 'The context window was full at token 8. The oldest 5 tokens were dropped.' },
  ]);
  // The same shift is reported at the end, too.
  reply.shifted({ total: 7, segments: [1, 2, 2], reply: 2 }, 8);
  expect(reply.facts.shifts).toHaveLength(2);
  // Another run starts with a window that was not full yet.
  reply.begin({});
  expect(reply.facts.shifts).toEqual([]);
});

it('counts what is left of each part', () => {
  const { reply } = shifted();
  reply.note({ stop: { reason: 'eos', token: null }, contextUsed: 7 });
  expect(contextUse(reply, 10)).toMatchObject({ system: 0, history: 1, reply: 6, used: 7 });
});

it('lists the turns that the model does not see any more', () => {
  const { chat, reply } = shifted();
  expect([...unreadTurns(chat, reply)]).toEqual(chat.path.slice(0, 3));
  reply.note({ shifts: [], droppedMessages: 1 });
  expect([...unreadTurns(chat, reply)]).toEqual(chat.path.slice(0, 1));
  reply.note({ droppedMessages: 0 });
  expect(unreadTurns(chat, reply).size).toBe(0);
  expect(unreadTurns(chat, null).size).toBe(0);
});

it('counts no more than the window while a reply that was shifted is continued', () => {
  const reply = ChatDocument.create().addReply(REPLY_FACTS);
  reply.begin({});
  const event = start(30);
  if (event.type === 'start') reply.started({ ...event, contextSize: 10 });
  expect(reply.contextUsed).toBe(10);
});
