import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EngineApi } from '../../src-main/protocol/engine/api.ts';
import { EngineWatch, UNANSWERED_MS } from './engine-watch.ts';

/** Answers when it is told to, everything at once. */
class SilentEngine {
  readonly called: string[] = [];
  #answers: (() => void)[] = [];

  call(method: string): Promise<null> {
    this.called.push(method);
    return new Promise((resolve) => this.#answers.push(() => resolve(null)));
  }

  async *stream(): AsyncGenerator<never> {
    await new Promise<void>((resolve) => this.#answers.push(resolve));
    yield* [];
  }

  answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    answers.forEach((answer) => answer());
  }
}

let engine: SilentEngine;
let watch: EngineWatch;
let told: boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  engine = new SilentEngine();
  told = [];
  watch = new EngineWatch(engine as unknown as EngineApi, (responds) => told.push(responds));
});
afterEach(() => vi.useRealTimers());

const grammar = { grammar: { kind: 'gbnf', source: 'root ::= "a"' } } as const;

it('tells when a call that takes no time stays unanswered, and when the engine is back', async () => {
  void watch.call('checkGrammar', grammar);
  await vi.advanceTimersByTimeAsync(UNANSWERED_MS - 1);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([false]);
  void watch.call('checkGrammar', grammar);
  await vi.advanceTimersByTimeAsync(UNANSWERED_MS);
  expect(told).toEqual([false]);
  engine.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([false, true]);
});

it('also when the call was called off', async () => {
  const silent = { call: (method: string) => (method === 'status' ? new Promise(() => undefined) : Promise.resolve()) };
  watch = new EngineWatch(silent as unknown as EngineApi, (responds) => told.push(responds));
  await watch.call('checkGrammar', grammar);
  await vi.advanceTimersByTimeAsync(UNANSWERED_MS);
  expect(told).toEqual([false]);
});

it('says nothing of an engine that answers, that is gone, or that has something long to do', async () => {
  void watch.call('checkGrammar', grammar);
  engine.answer();
  const gone = { call: () => Promise.reject(new Error('Gone.')) };
  await new EngineWatch(gone as unknown as EngineApi, (responds) => told.push(responds))
    .call('status', {})
    .catch(() => undefined);
  void watch.call('inspect', { text: '' } as never);
  void watch.call('checkGrammar', grammar);
  await vi.advanceTimersByTimeAsync(10 * UNANSWERED_MS);
  expect(told).toEqual([]);
});

it('counts a stream as something long from its first event to its end', async () => {
  const events = watch.stream('load', { modelId: 'a' })[Symbol.asyncIterator]();
  const next = events.next();
  void watch.call('status', {});
  await vi.advanceTimersByTimeAsync(UNANSWERED_MS);
  expect(told).toEqual([]);
  engine.answer();
  expect(await next).toEqual({ done: true, value: undefined });
  void watch.call('status', {});
  await vi.advanceTimersByTimeAsync(UNANSWERED_MS);
  expect(told).toEqual([false]);
});
