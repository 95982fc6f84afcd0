import { beforeEach, describe, expect, it } from 'vitest';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import { end, start, tokens, type FakeEngine } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { drawnFrom } from './reply-draws.ts';

let api: FakeEngine;
let chats: ChatsState;
let session: ChatSession;
let modelSettings: ModelSettingsState;

beforeEach(async () => {
  ({ api, chats, session, modelSettings } = await openSession());
  api.scripts = [[start(), ...tokens(4), end(4, { reason: 'eos', token: { id: 1, piece: '<EOS>' } })]];
  await session.send('Once');
});

const last = () => chats.current.lastReply!;
const draws = () => session.drawsOf(last());

describe('the draws of a reply', () => {
  it('are asked for with its prompt, settings, seed and the tokens before', () => {
    const { prompt, stop, sampling } = api.requests[0];
    // Today's settings do not matter.
    chats.current.systemPrompt = 'Be brief.';
    modelSettings.setTemplate('plain');
    modelSettings.setStop({ ignoreEos: true });
    modelSettings.setSampling({ topK: 1 });
    expect(draws().question(2)).toEqual({
      prompt,
      stop: { ...stop, repetitionWindow: 10 },
      sampling: { ...sampling, seed: 7 },
      reply: [3, 4],
    });
    expect(draws().caution(2)).toBeNull();
    expect(draws()).toMatchObject({ seed: 7, sampling: { seed: 7 }, model: { id: 'tiny-transformer' } });
  });

  it('include that of the end, if a token ended the reply', () => {
    expect(draws().count).toBe(5);
    expect(draws().token(1)).toEqual({ id: 4, text: ' t1' });
    expect(draws().token(4)).toEqual({ id: 1, text: '<EOS>' });
    expect(draws().before(4)).toEqual({ prompt: 'Once ', reply: 't0 t1 t2 t3' });
    expect(draws().before(0).reply).toBe('');
  });

  it('of a continuation have the text before it in the prompt, and those before it other settings', async () => {
    api.scripts = [[start(), ...tokens(3), end(3, { reason: 'max_tokens', maxTokens: 3 })]];
    await session.continueReply();
    expect(draws().count).toBe(7);
    const { prompt, reply, continues } = draws().question(6);
    expect(continues).toEqual({ reason: 'eos' });
    expect(prompt).toEqual(api.requests[1].prompt);
    expect(reply).toEqual([3, 4]);
    expect(draws().caution(6)).toBeNull();
    const { date: _, ...first } = api.requests[0].prompt as { date?: string };
    expect(draws().question(2)).toMatchObject({ prompt: first, reply: [3, 4] });
    expect(draws().caution(2)).toContain('continued later');
  });

  it('of a branch begin after the token that a person chose, with its settings', async () => {
    await session.branch(last(), 2, 93);
    const asked = api.requests[1];
    modelSettings.setTemplate('plain');
    modelSettings.setSampling({ topK: 1 });
    const chosen = last().ids(2, 3);
    const { replyIds } = asked.prompt as { replyIds?: number[] };
    expect(replyIds).toEqual([3, 4]);
    expect(draws().question(4)).toEqual({
      prompt: asked.prompt,
      firstToken: chosen[0],
      stop: { ...asked.stop, repetitionWindow: 10 },
      sampling: { ...asked.sampling, seed: 7 },
      reply: last().ids(3, 4),
    });
    // The settings would have drawn it with the first random number.
    expect(draws().question(2)).toMatchObject({ prompt: { replyIds }, reply: [] });
    expect(draws().question(2)).not.toHaveProperty('firstToken');
    // Nothing is recorded.
    const recorded = last().facts.run!;
    last().note({ run: null });
    expect(draws().question(4)).toMatchObject({ prompt: { replyIds }, firstToken: chosen[0], reply: last().ids(3, 4) });
    last().note({ run: recorded });
    // Whatever is continued was drawn, also after a branch that failed before its first token.
    const reply = last();
    const { chosen: _, ...run } = reply.facts.run!;
    reply.note({ run });
    expect(draws().caution(2)).toBeNull();
    expect(drawnFrom(reply, 4)).toBe(2);
  });

  it('before a branch are those of the other version', async () => {
    const before = draws().question(1);
    modelSettings.setSampling({ topK: 1 });
    await session.branch(last(), 2, 93);
    expect(draws().sampling.topK).toBe(1);
    expect(draws().question(1)).toEqual(before);
    expect(draws().caution(1)).toContain('branched from');
    expect(draws().caution(2)).toBe('You chose this token. The draw shows what the settings would have picked.');
    expect(draws().caution(3)).toBeNull();
    // Even after the chat has continued.
    const branch = last();
    await session.send('And then?');
    expect(session.drawsOf(branch).question(1)).toEqual(before);
    // Without the other version, as after an import, with what is known.
    branch.note({ branch: { turn: 'gone', index: 2 } });
    const unknown = session.drawsOf(branch).question(1);
    expect(unknown).toMatchObject({ sampling: { topK: 1 }, reply: [3] });
    expect(unknown.prompt).not.toHaveProperty('replyIds');
  });

  it('of a reply of an earlier version are asked for with what is known', () => {
    last().note({ run: null });
    const { date: _, ...prompt } = api.requests[0].prompt as { date?: string };
    expect(draws().question(1)).toMatchObject({ prompt, sampling: { seed: 7 }, reply: [3] });
    expect(draws().caution(1)).toContain('earlier version');
  });

  it('need the tokens before', () => {
    const reply = last();
    expect(draws().problem(3)).toBeNull();
    reply.apply({
      type: 'tokens',
      turn: reply.id,
      from: 4,
      text: ' typed',
      tokens: { ids: [NO_TOKEN], lengths: [6], parts: [0], logprobs: [0], latencies: [0] },
      at: '2026-01-01T00:00:00.000Z',
    });
    expect(draws().problem(3)).toBeNull();
    expect(draws().problem(4)).toContain('not known');
  });
});
