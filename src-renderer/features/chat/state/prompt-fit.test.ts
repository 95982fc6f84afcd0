import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MODEL, token } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { fits, promptSize } from './prompt-fit.ts';

let opened: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  opened = await openSession();
});

it.each([
  [999, true],
  [1000, false],
  [1001, false],
])('a prompt of %i tokens leaves room for a reply in a window of 1,000: %s', (tokens, expected) => {
  expect(fits({ tokens, window: 1000 })).toBe(expected);
});

it('is the number of tokens that the engine would read, with its limits', async () => {
  const { api, engine, session } = opened;
  const asked: unknown[] = [];
  api.answers.renderChat = (params) => {
    asked.push(params);
    return { text: '', ids: [1, 2, 3], tokens: [], segments: [], notices: [] };
  };
  const prompt = session.promptOf('Hello');
  expect(await promptSize(prompt, 12, engine)).toEqual({ tokens: 3, window: MODEL.contextSize });
  expect(asked).toMatchObject([{ messages: [{ role: 'user', text: 'Hello' }], whenFull: 'stop', maxTokens: 12 }]);
});

it('is unknown when the template fails', async () => {
  const { engine, session } = opened;
  expect(await promptSize(session.promptOf('Hello'), 12, engine)).toBeNull();
});

it('shows the reasoning in the prompt that continues a reply, but not in later messages', async () => {
  const { chats, session } = opened;
  const last = () => chats.current.lastReply!;
  await session.send('Once');
  last().append([token(last().count, { part: 'reasoning', text: ' Hm.' })]);
  const { answer, text } = last();
  expect(text).toBe(`${answer} Hm.`);
  expect(session.promptOf('')).toMatchObject({ messages: [{}, { role: 'assistant', text }] });
  expect(session.promptOf('More')).toMatchObject({ messages: [{}, { role: 'assistant', text: answer }, {}] });
});

describe('a session', () => {
  let answers: boolean[];
  let opened: Awaited<ReturnType<typeof openSession>>;
  const said = () => opened.chats.current.path.map((turn) => turn.text);

  beforeEach(async () => {
    answers = [];
    opened = await openSession({ fits: () => Promise.resolve(answers.shift() ?? true) });
  });

  it('gives a message back that does not fit', async () => {
    const { session, api } = opened;
    answers = [false];
    session.draft = 'and more';
    await session.send('A long text');
    expect(session.draft).toBe('A long text\nand more');
    expect(said()).toEqual([]);
    expect(api.requests).toEqual([]);
  });

  it('queues what is sent while it checks, in the order of typing', async () => {
    const { session, api } = opened;
    const first = session.send('one');
    await session.send('two');
    expect(session.queued).toEqual(['two']);
    await first;
    await vi.waitFor(() => expect(api.requests).toHaveLength(2));
    expect(said()).toEqual(['one', 't0 t1 t2', 'two', 't0 t1 t2']);
  });

  it('gives back what was queued while it checked, too', async () => {
    const { session, api } = opened;
    answers = [false];
    const first = session.send('A long text');
    await session.send('two');
    await first;
    expect(session.draft).toBe('A long text\ntwo');
    expect(session.queued).toEqual([]);
    expect(api.requests).toEqual([]);
  });

  it('tells whether an edited message fits, for that text only', async () => {
    const { session, chats } = opened;
    await session.send('one');
    const [turn] = chats.current.path;
    if (turn?.role !== 'user') throw new Error('The first turn is a message.');
    answers = [false];
    expect(await session.turns.fits(turn, 'one that is too long')).toBe(false);
    expect(session.turns.isTooLong(turn, 'one that is too long')).toBe(true);
    expect(session.turns.isTooLong(turn, 'one')).toBe(false);
    expect(await session.turns.fits(turn, 'one that is too long')).toBe(true);
    expect(session.turns.isTooLong(turn, 'one that is too long')).toBe(false);
  });
});
