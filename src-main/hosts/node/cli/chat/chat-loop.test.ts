/** Messages from a pipe, with an engine whose replies are given. */
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { EngineError } from '../../../../engine/api/errors.ts';
import type { GenerateParams, Stop } from '../../../../engine/api/types.ts';
import type { EngineClient } from '../../../../protocol/engine/client.ts';
import { cancelled } from '../../../../protocol/errors.ts';
import type { CliContext } from '../context.ts';
import { Output } from '../output.ts';
import { ChatLoop } from './chat-loop.ts';
import { Conversation } from './conversation.ts';

/** A reply, or the error instead of one. */
type Reply = { text: string; stop: Stop } | EngineError;

const complete = (text: string): Reply => ({ text, stop: { reason: 'eos', token: null } });
const stopped = (text: string): Reply => ({ text, stop: { reason: 'user', tokens: text === '' ? 0 : 1 } });

/**
 * @param closed resolves when the engine has ended
 * @returns the texts of the messages that each reply was for, and the exit code
 */
async function chat(input: string, replies: readonly Reply[], closed = new Promise<void>(() => undefined)) {
  const [out, err] = [new PassThrough(), new PassThrough()].map((stream) => new Output(stream, () => undefined));
  const asked: string[][] = [];
  const client = {
    closed,
    async *stream() {
      const reply = replies[asked.length - 1];
      if (reply === undefined || reply instanceof EngineError) throw reply ?? new Error('There are no more replies.');
      const { text, stop } = reply;
      yield { type: 'start', notices: [], segments: [] };
      if (text !== '') yield { type: 'token', token: { text, part: 'answer' } };
      yield { type: 'end', ids: [], text, stop };
    },
  } as unknown as EngineClient;
  const paramsFor: ConstructorParameters<typeof Conversation>[0]['paramsFor'] = (messages) => {
    asked.push(messages.map(({ text }) => text));
    return {} as GenerateParams;
  };
  const context: CliContext = {
    stdin: new PassThrough().end(input),
    out,
    err,
    signal: new AbortController().signal,
    workerUrl: new URL('file:///none'),
    modelsDir: '/none',
  };
  const conversation = new Conversation({ client, paramsFor, out, err, dim: false });
  const ended = new ChatLoop(context, conversation, false).run();
  return { asked, code: await ended.catch((error: unknown) => error) };
}

it('keeps question and answer until /retry has another answer', async () => {
  const full = new EngineError('CONTEXT_FULL', 'The prompt is too long.');
  const retried = await chat('Hi\n/retry\n/retry\n/retry\nBye\n', [
    complete('One'),
    full,
    stopped(''),
    complete('Two'),
    complete('Three'),
  ]);
  expect(retried.asked).toEqual([['Hi'], ['Hi'], ['Hi'], ['Hi'], ['Hi', 'Two', 'Bye']]);
  const { asked } = await chat('Hi\n/retry\nBye\n', [complete('One'), stopped(''), complete('Two')]);
  expect(asked.at(-1)).toEqual(['Hi', 'One', 'Bye']);
});

it('does not leave the terminal dimmed when the engine fails during reasoning', async () => {
  const client = {
    async *stream() {
      yield { type: 'start', notices: [], segments: [] };
      yield { type: 'token', token: { text: 'Hm', part: 'reasoning' } };
      throw new EngineError('BACKEND_LOST', 'The GPU was lost.');
    },
  } as unknown as EngineClient;
  const screen = new PassThrough().setEncoding('utf8');
  const [out, err] = [new PassThrough(), screen].map((stream) => new Output(stream, () => undefined));
  const conversation = new Conversation({ client, paramsFor: () => ({}) as GenerateParams, out, err, dim: true });
  await expect(conversation.ask('Hi', new AbortController().signal)).rejects.toThrow('The GPU was lost.');
  expect(screen.read()).toBe('\u001b[2mHm\u001b[22m\n');
});

it('ends with its engine, and continues when only the GPU was lost', async () => {
  const gone = new EngineError('BACKEND_LOST', 'It is gone.');
  const ended = await chat('Hi\nBye\n', [gone, complete('One')], Promise.resolve());
  expect(ended).toEqual({ asked: [['Hi']], code: gone });
  const running = await chat('Hi\nBye\n', [gone, complete('One')]);
  expect(running).toEqual({ asked: [['Hi'], ['Bye']], code: 1 });
});

it('notes that messages are dropped when there are more than before', async () => {
  const counts = [0, 2, 2, 0, 1];
  const client = {
    async *stream() {
      const segments = Array.from({ length: counts.shift() ?? 0 }, () => ({ dropped: true }));
      yield { type: 'start', notices: [], segments };
      yield { type: 'end', ids: [], text: '', stop: { reason: 'eos', token: null } };
    },
  } as unknown as EngineClient;
  const screen = new PassThrough().setEncoding('utf8');
  const [out, err] = [new PassThrough(), screen].map((stream) => new Output(stream, () => undefined));
  const conversation = new Conversation({ client, paramsFor: () => ({}) as GenerateParams, out, err, dim: false });
  while (counts.length > 0) await conversation.ask('Hi', new AbortController().signal);
  expect(screen.read()).toBe(
    'Note: the context window is full, so the 2 oldest messages were dropped.\n' +
      'Note: the context window is full, so the oldest message was dropped.\n',
  );
});

it('exits with 130 if Ctrl-C stopped an answer, unless there was an error', async () => {
  expect((await chat('Hi\n', [stopped('')])).code).toBe(130);
  expect((await chat('Hi\n', [cancelled()])).code).toBe(130);
  expect((await chat('Hi\nBye\n', [stopped('One'), complete('Two')])).code).toBe(130);
  for (const input of ['/what\nHi\n', 'Hi\n/what\n']) expect((await chat(input, [stopped('One')])).code).toBe(1);
  expect((await chat('Hi\n', [complete('One')])).code).toBe(0);
});
