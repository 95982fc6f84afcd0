import { expect, it, vi } from 'vitest';
import type { PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { ChatDocument } from '../state/chat-document.svelte.ts';
import { ReplySegments } from './reply-segments.svelte.ts';
import { REPLY_FACTS, start, token } from '../test-support/fakes.ts';

const segment = (role: PromptSegment['role'], message: number): PromptSegment => {
  return { role, message, tokens: 3, dropped: false };
};

function asked() {
  const calls: unknown[] = [];
  const segments = [segment('system', 0), segment('user', 1), segment('assistant', 2), segment('user', 3)];
  const call = (method: string, params: unknown) => {
    calls.push([method, params]);
    return Promise.resolve({ segments });
  };
  return { calls, segments: new ReplySegments({ ready: () => Promise.resolve({ call } as never) }) };
}

it('takes what the engine said of a reply that this page wrote', () => {
  const { calls, segments } = asked();
  const chat = ChatDocument.create();
  chat.addUserTurn('one');
  const reply = chat.addReply(REPLY_FACTS);
  reply.begin({});
  const event = start();
  if (event.type === 'start') reply.started({ ...event, segments: [segment('user', 0)] });
  segments.ask(chat, reply, {});
  expect(segments.current).toEqual([segment('user', 0)]);
  expect(calls).toEqual([]);
});

it('shows nothing of another reply while the engine is busy', () => {
  const { segments } = asked();
  const chat = ChatDocument.create();
  chat.addUserTurn('one');
  const first = chat.addReply(REPLY_FACTS);
  first.segments = [segment('user', 0)];
  first.note({ promptTokens: 3 });
  const second = chat.addReply(REPLY_FACTS, first.parent);
  second.note({ promptTokens: 3 });
  segments.ask(chat, first, {});
  expect(segments.current).toHaveLength(1);
  segments.ask(chat, second, {});
  expect(segments.current).toEqual([]);
});

it('asks the engine for those of a stored reply, what was written before it went on included', async () => {
  const { calls, segments } = asked();
  const chat = ChatDocument.create();
  chat.systemPrompt = 'Be brief.';
  chat.addUserTurn('one');
  chat.addReply(REPLY_FACTS).append([token(0)]);
  chat.addUserTurn('two');
  const reply = chat.addReply(REPLY_FACTS);
  reply.append([token(0), token(1), token(2)]);
  reply.note({ promptTokens: 12, runStart: 2, droppedMessages: 2 });
  segments.ask(chat, reply, { template: { kind: 'plain' } });
  await vi.waitFor(() => expect(segments.current).toHaveLength(4));
  expect(segments.current.map(({ dropped }) => dropped)).toEqual([false, true, true, false]);
  expect(calls).toEqual([
    [
      'renderChat',
      {
        template: { kind: 'plain' },
        messages: [
          { role: 'system', text: 'Be brief.' },
          { role: 'user', text: 'one' },
          { role: 'assistant', text: 't0' },
          { role: 'user', text: 'two' },
          { role: 'assistant', text: 't0 t1' },
        ],
      },
    ],
  ]);
});
