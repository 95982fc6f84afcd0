import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { backendLost } from '../../../../src-main/protocol/errors.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { contextEvents, levelOf } from './context-use.ts';
import type { EngineState } from './engine.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import { errorCodeOf, stopDetail, stopText } from '../thread/stop-text.ts';
import { Reply } from './reply.svelte.ts';
import { end, FakeEngine, MODEL, type FakeConnection, start, token, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import type { PageLine } from '../test-support/store.ts';

let services: PageLine;
let connection: FakeConnection;
let api: FakeEngine;
let chats: ChatsState;
let engine: EngineState;
let modelSettings: ModelSettingsState;
let session: ChatSession;
let grammarCheck: { blocks: string | null };

beforeEach(async () => {
  ({ services, connection, api, chats, engine, modelSettings, session, grammarCheck } = await openSession());
});

const last = () => chats.current.lastReply!;

it('sends nothing while the answer format cannot be followed', async () => {
  grammarCheck.blocks = 'The answer format is wrong.';
  await session.send('Once');
  expect(session.blocked).toBe('The answer format is wrong.');
  expect(chats.current.isEmpty).toBe(true);
  grammarCheck.blocks = null;
  await session.send('Once');
  expect(api.requests).toHaveLength(1);
});

it('asks for no reply while another view uses another model', async () => {
  await session.send('Once');
  session.unavailable = () => 'Compare is using another model.';
  expect(session.blocked).toBe('Compare is using another model.');
  await session.send('Twice');
  await session.regenerate();
  await session.proceed(last());
  await session.continueReply();
  await session.branch(last(), 1, 93);
  expect(api.requests).toHaveLength(1);
  session.unavailable = () => null;
  await session.regenerate();
  expect(api.requests).toHaveLength(2);
});

it('gives the model the chat with its system prompt and the template of the settings', async () => {
  chats.current.systemPrompt = 'Be brief.';
  modelSettings.setTemplate('plain');
  modelSettings.setThinking(false);
  await session.send('Once');
  expect(api.requests[0]?.prompt).toEqual({
    kind: 'chat',
    messages: [
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'Once' },
    ],
    whenFull: 'stop',
    template: { kind: 'plain' },
    enableThinking: false,
    date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
  });
  expect(session.promptOf('')).toMatchObject({ messages: [{}, {}, { role: 'assistant' }] });
  expect(session.promptOf('More')).toMatchObject({ messages: [{}, {}, {}, { role: 'user', text: 'More' }] });
});

describe('with another model', () => {
  const OTHER = { ...MODEL, id: 'opened-1', name: 'Other', contextSize: 512 };

  it('notes which model wrote a reply and began the chat, and counts its own tokens only', async () => {
    await session.send('Once');
    expect(last().model).toBe('TinyTransformer');
    expect(chats.current.model).toEqual({ id: 'tiny-transformer', name: 'TinyTransformer' });
    expect(session.figures.context.used).toBe(7);
    expect(session.figures.rate).not.toBeNull();

    api.loadScripts = [[OTHER]];
    await engine.load({ modelId: 'opened-1' });
    expect(session.figures.context).toMatchObject({ used: 0, size: 512 });
    expect(session.figures.started).toBeNull();
    expect(session.figures.rate).toBeNull();
    await session.send('More');
    expect(last().model).toBe('Other');
    expect(chats.current.model.name).toBe('TinyTransformer');
    expect(session.figures.context.used).toBe(7);
  });

  it('stops a reply for it, which says so, and keeps what waits', async () => {
    api.scripts = [[start(), ...tokens(2), 'pause']];
    const sending = session.send('Once');
    await vi.waitFor(() => expect(last().count).toBe(2));
    void session.send('Next');
    session.stop('load Other');
    await sending;
    expect(last().stop).toEqual({ reason: 'user', tokens: 2, to: 'load Other' });
    expect(stopText(last().stop!)).toBe('Stopped after 2 tokens to load Other');
    expect(session.busy).toBe(false);
    expect(session.queued).toEqual(['Next']);
  });

  it('measures no reply that moved to another executor', async () => {
    api.scripts = [[start(), ...tokens(9), { type: 'moved', model: MODEL, notice: 'Moved.' }, ...tokens(9), end(18)]];
    await session.send('Once');
    expect(last().count).toBe(18);
    expect(session.measurements.cache.cached).toBeNull();
  });

  it('forgets what the cache saved with the one before', async () => {
    api.scripts = [[start(), ...tokens(9), end(9)]];
    await session.send('Once');
    expect(session.measurements.cache.cached).not.toBeNull();
    api.loadScripts = [[OTHER]];
    await engine.load({ modelId: 'opened-1' });
    await session.send('More');
    expect(session.measurements.cache.cached).toBeNull();
  });
});

describe('send', () => {
  it('writes a reply, keeps its facts, names the chat and stores it', async () => {
    await session.send('  Once upon\na time ');
    expect(chats.current.title).toBe('Once upon a time');
    expect(last()).toMatchObject({
      text: 't0 t1 t2',
      count: 3,
      seed: 7,
      phase: 'done',
      promptTokens: 4,
      contextUsed: 7,
    });
    expect(last().stop?.reason).toBe('eos');
    expect(api.requests[0]).toMatchObject({
      prompt: { kind: 'chat', messages: [{ role: 'user', text: '  Once upon\na time ' }], whenFull: 'stop' },
      useKvCache: true,
      topCandidates: 20,
    });
    await chats.flush();
    const stored = await services.invoke('chatGet', chats.current.id);
    expect(stored?.turns).toMatchObject([
      { role: 'user', parent: null },
      { role: 'assistant', parent: chats.current.path[0].id, text: 't0 t1 t2', facts: { stop: { reason: 'eos' } } },
    ]);
    expect(stored).toMatchObject({ title: 'Once upon a time', modelId: MODEL.id, head: last().id });
    expect(last().facts).toMatchObject({ modelId: MODEL.id, vocabularySize: MODEL.vocabularySize });
  });

  it('gives the model the whole chat, replies without text left out', async () => {
    api.scripts = [
      [start(), end(0)],
      [start(), ...tokens(1), end(1)],
    ];
    await session.send('one');
    await session.send('two');
    await session.send('three');
    const { prompt } = api.requests[2];
    expect(prompt.kind === 'chat' && prompt.messages.map(({ role, text }) => `${role}: ${text}`)).toEqual([
      'user: one',
      'user: two',
      'assistant: t0',
      'user: three',
    ]);
  });

  it('sends nothing that is only white space', async () => {
    await session.send(' \n ');
    expect(chats.current.isEmpty).toBe(true);
  });

  it('waits for the model, and stops waiting when it is stopped', async () => {
    connection.change(null, 'starting');
    const sending = session.send('hello');
    expect(last().phase).toBe('waiting');
    session.stop();
    await sending;
    expect(last().stop).toMatchObject({ reason: 'user' });
  });
});

describe('stop and the queue', () => {
  it('stops with what is written, and sends what waited', async () => {
    api.scripts = [[start(), ...tokens(2), 'pause']];
    const first = session.send('one');
    await vi.waitFor(() => expect(last().count).toBe(2));
    await session.send('two');
    expect(session.queued).toEqual(['two']);
    expect(session.writingId).toBe(chats.current.id);
    session.stop();
    await first;
    expect(session.queued).toEqual([]);
    expect(api.requests).toHaveLength(2);
    const replies = chats.current.path.filter((turn) => turn instanceof Reply);
    expect(replies.map(({ stop }) => stop?.reason)).toEqual(['user', 'eos']);
  });

  it('keeps what waits after an error until a person says so', async () => {
    api.scripts = [[start(), ...tokens(1), 'pause', backendLost()]];
    const first = session.send('one');
    await vi.waitFor(() => expect(last().count).toBe(1));
    await session.send('two');
    api.resume();
    await first;
    expect(session.queued).toEqual(['two']);
    session.takeBack();
    expect(session.draft).toBe('two');
    expect(session.queued).toEqual([]);
  });

  it('goes on in its own chat while another one is open', async () => {
    api.scripts = [[start(), ...tokens(1), 'pause', ...tokens(3).slice(1), end(3)]];
    const first = session.send('one');
    const chat = chats.current;
    await vi.waitFor(() => expect(last().count).toBe(1));
    chats.create();
    expect(session.running).toBeNull();
    expect(session.writingId).toBe(chat.id);
    api.resume();
    await first;
    expect(chat.lastReply?.text).toBe('t0 t1 t2');
    await vi.waitFor(async () => expect((await services.invoke('chatGet', chat.id))?.turns).toHaveLength(2));
  });

  it('drops what waits in a chat that is deleted, and nothing brings it back', async () => {
    api.scripts = [[start(), ...tokens(1), 'pause']];
    const first = session.send('deleted');
    const { id } = chats.current;
    await vi.waitFor(() => expect(last().count).toBe(1));
    await session.send('waits');
    await session.leave(id);
    await first;
    await chats.remove(id);
    expect(session.busy).toBe(false);
    expect(api.requests).toHaveLength(1);
    expect(await services.invoke('chatsList')).toEqual([]);
  });

  it('does not write in a deleted chat when the reply in another one ends', async () => {
    await session.send('to be deleted');
    const { id } = chats.current;
    chats.create();
    api.scripts = [[start(), ...tokens(1), 'pause', ...tokens(3).slice(1), end(3)]];
    const writing = session.send('stays');
    await vi.waitFor(() => expect(last().count).toBe(1));
    await chats.select(id);
    await session.send('waits');
    await session.leave(id);
    await chats.remove(id);
    api.resume();
    await writing;
    expect(api.requests).toHaveLength(2);
    expect((await services.invoke('chatsList')).map(({ title }) => title)).toEqual(['stays']);
  });

  it('writes no other message of a chat that is being left, though its reply ends by itself meanwhile', async () => {
    api.scripts = [[start(), ...tokens(2), 'pause', end(2)]];
    const first = session.send('one');
    await vi.waitFor(() => expect(last().count).toBe(2));
    await session.send('two');
    const leaving = session.leave(chats.current.id);
    await session.send('three');
    await Promise.all([leaving, first]);
    expect(api.requests).toHaveLength(1);
    expect(session.queued).toEqual([]);
  });
});

describe('regenerate and continue', () => {
  it('adds a version and keeps the one before', async () => {
    await session.send('one');
    const first = last();
    await session.regenerate();
    const second = last();
    expect(second).not.toBe(first);
    expect(chats.current.versionsOf(second)).toEqual([first.id, second.id]);
    session.showVersion(second, 0);
    expect(last()).toBe(first);
    session.showVersion(first, 5);
    expect(last()).toBe(first);
    await session.send('two');
    session.showVersion(first, 1);
    expect(chats.current.path).toHaveLength(2);
    session.showVersion(second, 0);
    expect(chats.current.path).toHaveLength(4);
  });

  it('asks and writes as much for the hundredth version as for the first', async () => {
    await session.send('one');
    const sizes: number[] = [];
    for (let version = 1; version <= 100; version++) {
      const before = services.writes().length;
      await session.regenerate();
      await chats.flush();
      sizes.push(JSON.stringify(services.writes().slice(before)).length);
    }
    const average = (some: number[]) => some.reduce((sum, size) => sum + size, 0) / some.length;
    expect(chats.current.versionsOf(last())).toHaveLength(101);
    // Only the time of the request differs.
    const [early, late] = [api.requests[1], api.requests.at(-1)!];
    const { date } = late.prompt as { date?: string };
    expect(JSON.stringify(late)).toBe(JSON.stringify({ ...early, prompt: { ...early.prompt, date } }));
    // How many writes the events of a reply are spread over differs.
    expect(average(sizes.slice(-20))).toBeLessThan(1.25 * average(sizes.slice(0, 20)));
    expect(services.calls.filter(({ method }) => method === 'chatGet')).toEqual([]);
  });

  it('writes on in the same reply, and tells the engine why it had ended', async () => {
    const stop = { reason: 'max_tokens', maxTokens: 2 } as const;
    api.scripts = [
      [start(), ...tokens(2), end(2, stop)],
      [start(7), { type: 'token', token: token(0, { id: 5, text: ' t2' }) }, { ...end(1), contextUsed: 8 } as never],
    ];
    await session.send('one');
    await session.continueReply();
    expect(last()).toMatchObject({ text: 't0 t1 t2', count: 3, runStart: 2, contextUsed: 8 });
    expect([0, 1, 2].map((index) => last().token(index).id)).toEqual([3, 4, 5]);
    const { prompt, continues } = api.requests[1];
    expect(prompt.kind === 'chat' && prompt.messages.at(-1)).toEqual({ role: 'assistant', text: 't0 t1' });
    expect(continues).toEqual({ reason: 'max_tokens' });
    expect(api.requests[0]).not.toHaveProperty('continues');
    expect(chats.current.versionsOf(last())).toHaveLength(1);
    await chats.flush();
    expect((await services.invoke('chatGet', chats.current.id))?.turns[1]).toMatchObject({
      text: 't0 t1 t2',
      facts: { runStart: 2, stop: { reason: 'eos' } },
    });
  });
});

describe('a reply that a stop string ended', () => {
  it('goes on past it, also where nothing was written before', async () => {
    const stop = { reason: 'stop_string', stopString: 't0' } as const;
    api.scripts = [[start(), end(0, stop)]];
    await session.send('one');
    await session.continueReply();
    expect(api.requests[1].continues).toEqual({ reason: 'stop_string', stopString: 't0' });
    await session.regenerate();
    expect(api.requests[2]).not.toHaveProperty('continues');
  });
});

it('continues a finished reply past its end token', async () => {
  await session.send('one');
  await session.continueReply();
  expect(api.requests[1].continues).toEqual({ reason: 'eos' });
  expect(last()).toMatchObject({ count: 6, runStart: 3 });
});

describe('failures', () => {
  it('keeps text and says so when the engine is lost, and the next message works', async () => {
    api.scripts = [[start(), ...tokens(2), backendLost()]];
    await session.send('one');
    expect(last()).toMatchObject({ text: 't0 t1', phase: 'done', contextUsed: 6 });
    expect(last().stop).toMatchObject({ reason: 'error', tokens: 2, error: { code: 'BACKEND_LOST' } });
    expect(stopDetail(last().stop!)).toContain('after 2 tokens');
    expect(last().timings?.decodeTokensPerSecond).toBe(500);
    const fresh = new FakeEngine();
    connection.change(null, 'starting');
    const sending = session.continueReply();
    connection.change(fresh, 'ready');
    await sending;
    expect(last().stop?.reason).toBe('eos');
    expect(fresh.requests).toHaveLength(1);
  });

  it('shows why a request was refused', async () => {
    api.scripts = [[new EngineError('CONTEXT_FULL', 'The prompt has 1201 tokens.', {})]];
    await session.send('long');
    const error = { code: 'CONTEXT_FULL', message: 'The prompt has 1201 tokens.', details: {} };
    expect(last().stop).toEqual({ reason: 'error', tokens: 0, error });
    expect(session.busy).toBe(false);
  });

  it('does not stop writing when the chat cannot be stored', async () => {
    services.failure = new EngineError('READ_ONLY', 'Another instance is open.');
    await session.send('one');
    expect(last().stop?.reason).toBe('eos');
    await chats.flush();
    expect(chats.current.saveState).toEqual({ problem: 'Another instance is open.' });
    services.failure = null;
    await chats.flush();
    expect((await services.invoke('chatGet', chats.current.id))?.turns).toMatchObject([{}, { text: 't0 t1 t2' }]);
  });
});

describe('context and rate', () => {
  it('counts prompt and reply against the window', async () => {
    expect(session.figures.context).toEqual({ system: 0, history: 0, reply: 0, used: 0, size: 1000, level: 'ok' });
    await session.send('one');
    expect(session.figures.context).toEqual({ system: 0, history: 4, reply: 3, used: 7, size: 1000, level: 'ok' });
    expect(session.figures.rate?.current).toBe(400);
  });

  it('is right while a reply goes on in a full window, and afterwards', async () => {
    const dropped = { total: 990, segments: [], reply: 2 };
    const [first, second, third] = tokens(3);
    const after = { type: 'token', token: third.type === 'token' ? third.token : token(2), dropped } as const;
    const ended = { ...end(3), contextUsed: 13, dropped } as never;
    api.scripts = [[start(1000), first, second, after, 'pause', ended]];
    const sending = session.send('one');
    await vi.waitFor(() => expect(last().count).toBe(3));
    // Two of the dropped tokens are the reply's own.
    expect(session.figures.context).toMatchObject({ history: 12, reply: 1, used: 13 });
    api.resume();
    await sending;
    expect(session.figures.context).toMatchObject({ history: 12, reply: 1, used: 13 });
    expect(contextEvents(last())).toEqual([
      { at: 2, text: 'The context window was full at token 3. The oldest 990 tokens were dropped.' },
    ]);
  });

  it.each([
    [799, 'ok'],
    [800, 'warn'],
    [949, 'warn'],
    [950, 'danger'],
    [1000, 'danger'],
  ])('%i of 1000 tokens: %s', (used, level) => expect(levelOf(used, 1000)).toBe(level));
});

describe('an engine that hangs', () => {
  it('is offered to be restarted when Stop is not answered', async () => {
    vi.useFakeTimers();
    let lose: (error: Error) => void = () => undefined;
    api.stream = () => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise((_, reject) => (lose = reject)) }),
    });
    const sending = session.send('one');
    await vi.advanceTimersByTimeAsync(100);
    session.stop();
    session.stop();
    expect(session.stopRequest).toMatchObject({ pending: true, stuck: false });
    await vi.advanceTimersByTimeAsync(2500);
    expect(session.stopRequest.stuck).toBe(true);
    lose(backendLost());
    await vi.advanceTimersByTimeAsync(0);
    vi.useRealTimers();
    await sending;
    expect(session.stopRequest).toMatchObject({ pending: false, stuck: false });
    expect(session.busy).toBe(false);
    expect(errorCodeOf(last().stop)).toBe('BACKEND_LOST');
  });
});
