import { describe, expect, it, vi } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { GeneratedToken, GenerateEnd, GenerateStart, ReplyPart } from '../../../../src-main/engine/api/types.ts';
import { applyEvent, emptyChat, indexOf } from '../../../../src-main/protocol/app/chats/apply-event.ts';
import type { ReplyFacts, StoredReplyTurn, TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import { Reply } from './reply.svelte.ts';
import { end, MODEL, start, TIMINGS, token } from '../test-support/fakes.ts';

const AT = '2026-01-01T00:00:00.000Z';
const FACTS: ReplyFacts = {
  stop: null,
  timings: null,
  seed: 0,
  sampling: defaultSamplingParams(),
  modelId: '',
  model: '',
  vocabularySize: 0,
  executor: 'reference',
  notices: [],
  promptTokens: 0,
  systemTokens: 0,
  droppedMessages: 0,
  contextUsed: 0,
  runStart: 0,
};

let made = 0;
const newReply = (id = `r${made++}`) => new Reply({ id, parent: null, createdAt: AT, facts: FACTS });

function replyOf(...parts: [ReplyPart, string][]): Reply {
  const reply = newReply();
  reply.append(parts.map(([part, text], index) => token(index, { part, text })));
  return reply;
}

const answers = (...texts: string[]): GeneratedToken[] => texts.map((text, index) => token(index, { text }));
const started = (change: Partial<GenerateStart> = {}) => ({ ...(start() as GenerateStart), ...change });
const ended = (count: number) => end(count) as GenerateEnd;
const tokensOf = (reply: Reply) => Array.from({ length: reply.count }, (_, index) => reply.token(index));
const textsOf = (reply: Reply) => reply.blocks.map(({ from, to }) => reply.slice(from, to));

const THOUGHT = replyOf(
  ['reasoning_mark', '<think>'],
  ['reasoning', '\nWell.'],
  ['reasoning_mark', '</think>'],
  ['answer', '\n\n'],
  ['answer', 'Yes'],
);

describe('a reply with reasoning', () => {
  it('tells the answer from what was thought before it', () => {
    expect(THOUGHT.text).toBe('<think>\nWell.</think>\n\nYes');
    expect(THOUGHT.answer).toBe('Yes');
    expect(replyOf(['answer', ' Yes']).answer).toBe(' Yes');
    expect(replyOf(['reasoning', 'Hm']).answer).toBe('');
  });

  it('has its text in sections, whatever the frames its tokens came in', () => {
    expect(THOUGHT.sections.map(({ kind, first }) => [kind, first])).toEqual([
      ['reasoning', 0],
      ['answer', 3],
    ]);
    const slowly = newReply();
    for (const { text, part } of tokensOf(THOUGHT)) {
      slowly.append([token(0, { text, part })]);
      void slowly.sections;
    }
    expect(slowly.sections).toEqual(THOUGHT.sections);
    slowly.append([token(0, { part: 'reasoning' }), token(0)]);
    expect(slowly.sections.map(({ kind }) => kind)).toEqual(['reasoning', 'answer', 'reasoning', 'answer']);
  });

  it('says how long it thought, without the time in which the prompt was read', () => {
    expect(THOUGHT.timeOf(0, 3)).toBe(4);
    expect(THOUGHT.timeOf(3, 2)).toBe(4);
  });

  it('leaves that time out of every run, also in a branch', () => {
    const run = (reply: Reply) => {
      reply.begin({});
      reply.append([500, 2].map((latencyMs) => token(0, { part: 'reasoning', latencyMs })));
    };
    const reply = newReply();
    for (let runs = 0; runs < 3; runs++) run(reply);
    expect(reply.timeOf(0, 6)).toBe(6);
    expect(reply.timeOf(1, 2)).toBe(2);
    const turn = { id: 'branch', parent: null, createdAt: AT, facts: FACTS };
    const branch = new Reply({ ...turn, text: reply.slice(0, reply.startOf(2)), tokens: reply.copyColumns(0, 2) });
    run(branch);
    expect(branch.timeOf(0, 4)).toBe(4);
  });
});

describe('the blocks of a text', () => {
  const words = (count: number) => Array.from({ length: count }, (_, at) => ` w${at}`);

  it('hold all of it, in order and without overlap', () => {
    const texts = [...words(700), '.\n', '\n', ...words(60), ':\n    ', 'if', '\n', ...words(300)];
    const reply = newReply();
    reply.append(answers(...texts));
    expect(textsOf(reply).join('')).toBe(texts.join(''));
    for (const { first, end, from, to } of reply.blocks) {
      expect(reply.startOf(first)).toBeLessThanOrEqual(from);
      expect(reply.startOf(first + 1)).toBeGreaterThan(from);
      expect(reply.startOf(end)).toBeGreaterThanOrEqual(to);
      expect(reply.startOf(end - 1)).toBeLessThan(to);
    }
  });

  it('end with a line, also within a token', () => {
    const reply = newReply();
    reply.append(answers(...words(60), ':\n\n    ', 'if', ...words(50), '\n', ' on'));
    const [first, second, third] = reply.blocks;
    expect(textsOf(reply)[0].endsWith(':\n\n')).toBe(true);
    expect(textsOf(reply)[1].startsWith('    if')).toBe(true);
    expect([first.end, second.first]).toEqual([61, 60]);
    expect([second.end, third.first]).toEqual([113, 113]);
    expect(reply.blocks.map(({ continues }) => continues)).toEqual([false, false, false]);
  });

  it('share a line only where a word begins', () => {
    const reply = newReply();
    reply.append(answers(...words(300).flatMap((word) => [word, 'x', 'y'])));
    expect(reply.blocks.length).toBeGreaterThan(2);
    for (const { from } of reply.blocks.slice(1)) {
      expect(reply.slice(from, from + 2)).toBe(' w');
      expect(reply.slice(from - 1, from)).toBe('y');
    }
    expect(reply.blocks.slice(1).every(({ continues }) => continues)).toBe(true);
  });

  it.each([' שלום', ' \u{1e900}\u{1e901}'])('wait for a better place in text that runs from right to left', (word) => {
    const reply = newReply();
    reply.append(answers(...new Array<string>(900).fill(word)));
    expect(reply.blocks).toHaveLength(1);
  });

  it('end somewhere in text without spaces', () => {
    const reply = newReply();
    reply.append(answers(...new Array<string>(2500).fill('字')));
    expect(reply.blocks.map(({ first }) => first)).toEqual([0, 1024, 2048]);
  });

  it('keep their identity once they are full, and only the last one changes', () => {
    const reply = newReply();
    reply.append(answers(...words(2000)));
    const before = reply.blocks;
    reply.append(answers(' more'));
    expect(reply.blocks.slice(0, -1).every((block, at) => block === before[at])).toBe(true);
    expect(reply.blocks.at(-1)).not.toBe(before.at(-1));
    expect(Math.max(...reply.blocks.map(({ first, end }) => end - first))).toBeLessThanOrEqual(300);
  });

  it('are the same for a stored reply as for one that was written token by token', () => {
    const texts = [...words(400), '\n', ...words(30), '\n\n', ...words(400)];
    const live = newReply();
    const chat = emptyChat('c', AT);
    applyEvent(
      chat,
      { type: 'turn', turn: { id: 'x', parent: null, role: 'assistant', createdAt: AT, facts: FACTS }, at: AT },
      indexOf(chat),
    );
    for (const text of texts) {
      live.append(answers(text));
      void live.sections;
      const taken = live.takeNew()!;
      applyEvent(chat, { type: 'tokens', turn: 'x', ...taken, at: AT }, indexOf(chat));
    }
    const stored = new Reply(chat.turns[0] as StoredReplyTurn);
    expect(stored.sections).toEqual(live.sections);
    expect(tokensOf(stored)).toEqual(tokensOf(live));
    expect(stored.text).toBe(texts.join(''));
  });
});

describe('a run', () => {
  it('goes through its phases and tells what it was started with', () => {
    const reply = newReply();
    reply.begin({ modelId: 'm', model: 'M' });
    expect(reply).toMatchObject({ phase: 'waiting', model: 'M', running: true, interrupted: false });
    const segments = [
      { role: 'system', message: 0, tokens: 3, dropped: false },
      { role: 'user', message: 1, tokens: 2, dropped: true },
    ] as GenerateStart['segments'];
    reply.started(started({ segments, reusedTokens: 2 }));
    expect(reply.phase).toBe('reading');
    expect(reply.facts).toMatchObject({ seed: 7, promptTokens: 4, systemTokens: 3, droppedMessages: 1 });
    reply.append(answers('a', ' b', ' c'));
    expect(reply).toMatchObject({ phase: 'writing', contextUsed: 7, count: 3, text: 'a b c' });
    reply.finished(ended(3));
    expect(reply).toMatchObject({ phase: 'done', contextUsed: 7 });
    expect(reply.stop?.reason).toBe('eos');
    reply.begin({});
    expect(reply.facts).toMatchObject({ stop: null, timings: null, runStart: 3, model: 'M' });
    reply.started(started());
    expect(reply.latencies()).toEqual([]);
    reply.append([token(0, { latencyMs: 40 }), token(1, { latencyMs: 5 })]);
    expect(reply.latencies()).toEqual([40, 5]);
    expect(reply.statistics.average()).toBe(200);
    reply.failed({ reason: 'error', tokens: 1, error: { code: 'INTERNAL', message: 'Gone.', details: {} } });
    expect(reply.timings).toMatchObject({ timeToFirstTokenMs: 40 });
    expect(reply.facts.contextUsed).toBe(6);
  });

  it('keeps its seed if it ends before it begins', () => {
    const reply = newReply();
    reply.begin({ seed: 42 });
    reply.finished({ ...ended(0), seed: 0 });
    expect(reply).toMatchObject({ phase: 'done', seed: 42 });
  });

  it('says that another executor computed the rest', () => {
    const reply = newReply();
    reply.begin({ executor: 'webgpu' });
    reply.started(started({ executor: 'webgpu', notices: ['First.'] }));
    reply.append(answers('a'));
    reply.moved({ model: { ...MODEL, executor: 'wasm' }, notice: 'Moved.' });
    reply.append(answers('b'));
    expect(reply).toMatchObject({ phase: 'writing', executor: 'wasm', notices: ['First.', 'Moved.'], text: 'ab' });
    expect(reply.isMixed).toBe(true);
    reply.begin({});
    expect(reply.isMixed).toBe(false);
  });

  it('has reused, once stored, what its rate of prefill leaves out', () => {
    const timings = { ...TIMINGS, prefillMs: 448, prefillTokensPerSecond: 16 / 0.448 };
    const read = (facts: Partial<ReplyFacts>) =>
      new Reply({ id: 'stored', parent: null, createdAt: AT, facts: { ...FACTS, ...facts } });
    expect(read({ promptTokens: 1039, timings }).reusedTokens).toBe(1023);
    expect(read({ promptTokens: 16, timings }).reusedTokens).toBe(0);
    expect(read({ promptTokens: 1039, timings: { ...timings, prefillTokensPerSecond: null } }).reusedTokens).toBe(0);
    expect(read({ promptTokens: 1039, timings: null }).reusedTokens).toBe(0);
  });

  it('reuses nothing when it moves to another executor during prefill', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    const reply = newReply();
    reply.begin({ executor: 'webgpu' });
    reply.started(started({ reusedTokens: 1900 }));
    reply.prefilled(1950, 2000);
    now.mockReturnValue(9000);
    reply.moved({ model: { ...MODEL, executor: 'wasm' }, notice: 'Moved.' });
    expect(reply).toMatchObject({ reusedTokens: 0, prefill: null });
    now.mockReturnValue(10_000);
    reply.prefilled(200, 2000);
    expect(reply.prefill).toEqual({ done: 200, total: 2000, leftMs: 9000 });
    now.mockRestore();
  });

  it('does not copy its times, however often they are read', () => {
    const reply = newReply();
    reply.append(answers('a'));
    const first = reply.latencies();
    reply.append(answers('b'));
    expect(reply.latencies()).toBe(first);
    reply.begin({});
    reply.append(answers('c'));
    const run = reply.latencies();
    reply.append(answers('d'));
    expect(reply.latencies()).toBe(run);
    expect(run).toHaveLength(2);
  });

  it('is interrupted when it was read back without an end', () => {
    const stored: StoredReplyTurn = {
      id: 'i',
      parent: null,
      role: 'assistant',
      createdAt: AT,
      text: 'one two',
      tokens: { ids: [1, 2], lengths: [3, 4], parts: [0, 0], logprobs: [-1, -2], latencies: [9, 2] },
      facts: { ...FACTS, runStart: 1 },
    };
    const reply = new Reply(stored);
    expect(reply.interrupted).toBe(true);
    expect(reply.latencies()).toEqual([2]);
    expect(reply.token(1)).toEqual({ index: 1, id: 2, text: ' two', part: 'answer', logprob: -2, latencyMs: 2 });
    expect(() => reply.token(2)).toThrow(RangeError);
    reply.append(answers(' three'));
    expect(stored.tokens.ids).toHaveLength(2);
  });
});

describe('storage', () => {
  it('is given each token once', () => {
    const reply = newReply();
    expect(reply.takeNew()).toBeNull();
    reply.append(answers('a', ' b'));
    expect(reply.takeNew()).toMatchObject({
      from: 0,
      text: 'a b',
      tokens: { lengths: [1, 2], parts: [0, 0] },
      details: [{ piece: 't0' }, { piece: 't1' }],
    });
    expect(reply.takeNew()).toBeNull();
    reply.append(answers(' c'));
    expect(reply.takeNew()).toMatchObject({ from: 2, text: ' c', tokens: { ids: [3] }, details: [{ piece: 't0' }] });
  });

  it('is not given what came from it', () => {
    vi.useFakeTimers();
    const reply = newReply('w');
    const tokens = { ids: [1, 2], lengths: [3, 4], parts: [0, 0], logprobs: [-1, -1], latencies: [9, 2] };
    reply.apply({ type: 'tokens', turn: 'w', from: 0, text: 'one two', tokens, at: AT });
    reply.apply({
      type: 'tokens',
      turn: 'w',
      from: 1,
      text: ' two six',
      tokens: { ...tokens, lengths: [4, 4] },
      at: AT,
    });
    reply.apply({ type: 'tokens', turn: 'other', from: 0, text: 'one two', tokens, at: AT });
    expect(reply.text).toBe('one two six');
    expect(reply.takeNew()).toBeNull();
    expect(reply).toMatchObject({ elsewhere: true, interrupted: false });
    vi.advanceTimersByTime(10_000);
    expect(reply).toMatchObject({ elsewhere: false, interrupted: true });
    reply.apply({ type: 'reply', turn: 'w', facts: { stop: { reason: 'eos', token: null }, seed: 5 }, at: AT });
    expect(reply).toMatchObject({ elsewhere: false, interrupted: false, seed: 5 });
    vi.useRealTimers();
  });
});

describe('details', () => {
  const about = (piece: string): TokenDetails => ({
    piece,
    rank: 1,
    sampledProbability: 1,
    survivors: 1,
    candidates: [],
  });

  /** Another page generates so many tokens. */
  const grow = (reply: Reply, count: number) => {
    const [zeros, ones] = [0, 1].map((value) => new Array<number>(count).fill(value));
    const tokens = { ids: ones, lengths: ones, parts: zeros, logprobs: zeros, latencies: ones };
    reply.apply({ type: 'tokens', turn: reply.id, from: reply.count, text: 'x'.repeat(count), tokens, at: AT });
  };

  it('are there at once for the latest tokens', () => {
    const reply = newReply();
    reply.append([token(0, { piece: 'A' }), token(1, { piece: 'B' })]);
    expect(reply.detailsOf(1)?.piece).toBe('B');
    expect(reply.details.isMissing(1)).toBe(false);
  });

  it('are read in pieces when they are asked for, once', async () => {
    const reply = newReply();
    grow(reply, 200);
    const load = vi.fn((_turn: string, from: number, n: number) =>
      Promise.resolve(Array.from({ length: n }, (_, at) => (from + at === 130 ? null : about(`p${from + at}`)))),
    );
    reply.useDetails(load);
    expect(reply.detailsOf(129)).toBeNull();
    expect(reply.detailsOf(131)).toBeNull();
    expect(reply.details.isMissing(130)).toBe(false);
    await vi.waitFor(() => expect(reply.detailsOf(129)?.piece).toBe('p129'));
    expect(reply.detailsOf(130)).toBeNull();
    expect(reply.details.isMissing(130)).toBe(true);
    expect(load.mock.calls).toEqual([[reply.id, 128, 64]]);
    reply.append([token(0, { piece: 'new' })]);
    expect(reply.detailsOf(200)?.piece).toBe('new');
  });

  it('are read again for tokens that did not exist when others were read', async () => {
    const reply = newReply();
    let stored = 0;
    const load = vi.fn((_turn: string, from: number, n: number) =>
      Promise.resolve(Array.from({ length: n }, (_, at) => (from + at < stored ? about(`p${from + at}`) : null))),
    );
    const grows = (one: Reply, count: number) => {
      grow(one, count - one.count);
      stored = count;
    };
    const { details } = reply;
    reply.useDetails(load);
    for (const count of [3, 5]) {
      grows(reply, count);
      expect(details.rank(count - 1)).toBeNull();
      await vi.waitFor(() => expect(details.rank(count - 1)).toBe(1));
      expect(details.get(count - 1)?.piece).toBe(`p${count - 1}`);
    }
    // Its details are not in the answer that is on its way.
    grows(reply, 6);
    expect(details.rank(5)).toBeNull();
    grows(reply, 7);
    await vi.waitFor(() => expect(details.rank(5)).toBe(1));
    expect([details.isMissing(6), details.lacksRanks(7)]).toEqual([false, false]);
    await vi.waitFor(() => expect(details.rank(6)).toBe(1));
    expect(load).toHaveBeenCalledTimes(4);
    // Nor are they in one to an earlier document of the chat.
    const again = newReply(reply.id);
    again.useDetails(load);
    grows(again, 8);
    expect(again.details.isMissing(7)).toBe(false);
    await vi.waitFor(() => expect(again.detailsOf(7)?.piece).toBe('p7'));
  });

  it('keep memory bounded: the oldest are forgotten and read again', async () => {
    const reply = newReply();
    const load = vi.fn((_turn: string, from: number, n: number) =>
      Promise.resolve(Array.from({ length: n }, (_, at) => about(`p${from + at}`))),
    );
    reply.useDetails(load);
    reply.append(Array.from({ length: 3000 }, (_, at) => token(at, { piece: `p${at}` })));
    expect(reply.detailsOf(2999)?.piece).toBe('p2999');
    expect(reply.detailsOf(0)).toBeNull();
    await vi.waitFor(() => expect(reply.detailsOf(0)?.piece).toBe('p0'));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('say why they could not be read', async () => {
    const reply = newReply();
    reply.append([token(0)]);
    reply.useDetails(() => Promise.reject(new Error('The file is gone.')));
    expect(reply.detailsOf(5000)).toBeNull();
    await vi.waitFor(() => expect(reply.details.error).toContain('The file is gone.'));
    expect(reply.detailsOf(5000)).toBeNull();
  });
});

it('costs as much per token at the end of a long reply as at its beginning', () => {
  const costAt = (count: number): number => {
    const reply = newReply();
    reply.append(Array.from({ length: count }, (_, at) => token(at, { text: ' word' })));
    void reply.sections;
    const samples: number[] = [];
    for (let round = 0; round < 15; round++) {
      const from = performance.now();
      for (let at = 0; at < 100; at++) {
        reply.append([token(at, { text: ' word' })]);
        void reply.sections;
        reply.statistics.now();
        reply.takeNew();
      }
      samples.push(performance.now() - from);
    }
    return samples.sort((a, b) => a - b)[0];
  };
  costAt(500);
  const short = costAt(500);
  // Copying what is there would make it more than a hundred times as much.
  expect(costAt(100_000)).toBeLessThan(20 * short + 5);
});
