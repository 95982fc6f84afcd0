import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../engine/api/defaults.ts';
import { applyEvent, emptyChat, indexOf, pathTo } from './apply-event.ts';
import type { ChatChange, ReplyFacts, StoredChat, TokenColumns } from './chat.ts';

const AT = '2026-01-01T00:00:00.000Z';
const facts: ReplyFacts = {
  stop: null,
  timings: null,
  seed: 1,
  sampling: defaultSamplingParams(),
  modelId: 'tiny',
  model: 'Tiny',
  vocabularySize: 8000,
  executor: 'wasm',
  notices: [],
  promptTokens: 0,
  systemTokens: 0,
  droppedMessages: 0,
  contextUsed: 0,
  runStart: 0,
};

const user = (id: string, parent: string | null): ChatChange => ({
  type: 'turn',
  turn: { id, parent, role: 'user', text: `text of ${id}`, createdAt: AT },
});
const reply = (id: string, parent: string | null): ChatChange => ({
  type: 'turn',
  turn: { id, parent, role: 'assistant', createdAt: AT, facts },
});
function columns(...lengths: number[]): TokenColumns {
  return {
    ids: lengths.map((_, at) => at + 1),
    lengths,
    parts: lengths.map(() => 0),
    logprobs: lengths.map(() => -1),
    latencies: lengths.map(() => 2),
  };
}

function chatOf(...changes: ChatChange[]): StoredChat {
  const chat = emptyChat('c', AT);
  const turns = indexOf(chat);
  for (const change of changes) applyEvent(chat, { ...change, at: AT }, turns);
  return chat;
}

describe('applyEvent', () => {
  it('adds turns, tokens and facts', () => {
    const chat = chatOf(
      { type: 'facts', facts: { title: 'Hello' } },
      user('u', null),
      reply('r', 'u'),
      { type: 'tokens', turn: 'r', from: 0, text: 'one two', tokens: columns(3, 4) },
      { type: 'reply', turn: 'r', facts: { seed: 7 } },
    );
    expect(chat).toMatchObject({ title: 'Hello', revision: 5 });
    expect(chat.turns[1]).toMatchObject({
      text: 'one two',
      tokens: { lengths: [3, 4] },
      facts: { seed: 7, model: 'Tiny' },
    });
  });

  it('ignores a repeated event', () => {
    const once = [user('u', null), reply('r', 'u')];
    const tokens: ChatChange = { type: 'tokens', turn: 'r', from: 0, text: 'one two', tokens: columns(3, 4) };
    const chat = chatOf(...once, tokens, ...once, tokens);
    expect(chat.turns).toHaveLength(2);
    expect(chat.turns[1]).toMatchObject({ text: 'one two', tokens: { lengths: [3, 4] } });
  });

  it('appends only the new ones of overlapping tokens', () => {
    const chat = chatOf(
      reply('r', null),
      { type: 'tokens', turn: 'r', from: 0, text: 'one two', tokens: columns(3, 4) },
      { type: 'tokens', turn: 'r', from: 1, text: ' two three', tokens: columns(4, 6) },
    );
    expect(chat.turns[0]).toMatchObject({ text: 'one two three', tokens: { lengths: [3, 4, 6] } });
  });

  it('keeps the index of tokens after missing ones', () => {
    const later: ChatChange = { type: 'tokens', turn: 'r', from: 3, text: ' four', tokens: columns(5) };
    const chat = chatOf(
      reply('r', null),
      { type: 'tokens', turn: 'r', from: 0, text: 'one', tokens: columns(3) },
      later,
      later,
    );
    expect(chat.turns[0]).toMatchObject({ text: 'one four', tokens: { ids: [1, -1, -1, 1], lengths: [3, 0, 0, 5] } });
  });

  it('keeps the text of a turn whose parent is unknown', () => {
    const chat = chatOf(user('u', null), user('v', 'damaged'));
    expect(chat.turns[1]).toMatchObject({ parent: 'u' });
  });

  it('shows the path to a turn, without what was removed', () => {
    const chat = chatOf(user('u', null), reply('a', 'u'), reply('b', 'u'), user('v', 'b'), reply('c', 'v'));
    expect(pathTo(chat, 'c', indexOf(chat))).toEqual(['u', 'b', 'v', 'c']);
    expect(pathTo({ removed: ['v'] }, 'c', indexOf(chat))).toEqual(['u', 'b']);
  });
});
