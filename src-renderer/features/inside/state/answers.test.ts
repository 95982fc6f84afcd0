import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { InsideAnswer, InsideEvent, InsideParams } from '../../../../src-main/engine/api/inside-types.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { Answers } from './answers.svelte.ts';

/** An engine that is asked about the inside of runs, and answers when the test wants it to. */
function fakeEngine() {
  const asked: InsideParams[] = [];
  const open: {
    params: InsideParams;
    advance: (fraction: number) => Promise<unknown>;
    answer: (arrays?: object) => void;
    fail: () => void;
    signal: AbortSignal | undefined;
  }[] = [];
  async function* stream(_method: string, params: unknown, options?: { signal?: AbortSignal }) {
    const given = params as InsideParams;
    asked.push(given);
    let send: (event: InsideEvent) => void = () => undefined;
    let fail: (error: EngineError) => void = () => undefined;
    const { kind } = given.query;
    open.push({
      params: given,
      signal: options?.signal,
      advance: (fraction) => {
        send({ type: 'progress', fraction });
        return settle();
      },
      answer: (arrays) => send({ type: 'answer', answer: { kind, ...arrays } as InsideAnswer }),
      fail: () => fail(new EngineError('OUT_OF_MEMORY', 'too large')),
    });
    for (;;) {
      const event = await new Promise<InsideEvent>((resolve, reject) => ([send, fail] = [resolve, reject]));
      yield event;
      if (event.type === 'answer') return;
    }
  }
  const engine = { stream } as unknown as EngineApi;
  return { asked, open, ready: () => Promise.resolve(engine) };
}

const embedding = (token: number) => ({ kind: 'embedding' as const, token, neighbours: 2, from: 0, to: 1 });

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

const RUN = { ids: [1, 2, 3], modelId: 'own' };
const LOGITS = { kind: 'logits', token: 2, top: 16 } as const;
const NORMS = { kind: 'norms', from: 0, to: 3 } as const;

describe('Answers', () => {
  it('asks once, the model that the ids are of, without waiting for anything else', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    const query = { kind: 'layer', layer: 0, from: 0, to: 2 } as const;
    const layer = answers.ask(query);
    expect(answers.ask({ ...query })).toBe(layer);
    await settle();
    expect(engine.asked).toEqual([{ ids: [1, 2, 3], interventions: [], modelId: 'own', query }]);
    engine.open[0]!.answer();
    await settle();
    expect(layer.done).toBe(true);
  });

  it('cancels the question that a newer one of its kind replaces, and shows the last answer meanwhile', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    const first = answers.ask(embedding(0));
    await settle();
    engine.open[0]!.answer();
    await settle();
    const second = answers.ask(embedding(1));
    await settle();
    const third = answers.ask(embedding(2));
    await settle();
    expect(engine.open[1]!.signal?.aborted).toBe(true);
    expect(second.done).toBe(false);
    expect(third.done).toBe(false);
    expect(third.shown?.query).toBe(first.query);
    // Back to one that is answered: nobody waits for the third.
    expect(answers.ask(embedding(0))).toBe(first);
    expect(engine.open[2]!.signal?.aborted).toBe(true);
    expect(answers.ask(embedding(2))).not.toBe(third);
  });

  it('says how far an answer is, and how long it will take once that is known', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const engine = fakeEngine();
    const question = new Answers(engine, RUN).ask(NORMS);
    await settle();
    expect(question.progress).toBeNull();
    await engine.open[0]!.advance(0.25);
    expect(question.progress).toEqual({ fraction: 0.25, leftMs: null });
    vi.advanceTimersByTime(300);
    await engine.open[0]!.advance(0.5);
    expect(question.progress).toEqual({ fraction: 0.5, leftMs: 600 });
    engine.open[0]!.answer();
    await settle();
    expect(question.done).toBe(true);
    expect(question.progress).toBeNull();
  });

  it('reports a failure, and asks again when asked again', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    const question = answers.ask(embedding(0));
    await settle();
    engine.open[0]!.fail();
    await settle();
    expect(question.problem?.message).toBe('too large');
    expect(answers.ask(embedding(0))).not.toBe(question);
  });

  it('asks what the KV cache holds each time, because it changes', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    const first = answers.ask({ kind: 'cache' });
    expect(answers.ask({ kind: 'cache' })).toBe(first);
    await settle();
    engine.open[0]!.answer();
    await settle();
    const second = answers.ask({ kind: 'cache' });
    expect(second).not.toBe(first);
    expect(second.shown?.query).toBe(first.query);
    await settle();
    expect(engine.asked).toHaveLength(2);
  });

  it('remembers the last answers, as far as 64 MB go', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    const asked: object[] = [];
    for (const token of [0, 1, 2]) {
      asked.push(answers.ask(embedding(token)));
      await settle();
      engine.open[token]!.answer({ rows: new Float32Array(6e6) });
      await settle();
    }
    // Not `toBe`, which compares the arrays number by number.
    const isRemembered = (token: number) => answers.ask(embedding(token)) === asked[token];
    expect([2, 1].map(isRemembered)).toEqual([true, true]);
    expect(engine.open).toHaveLength(3);
    expect(isRemembered(0)).toBe(false);
  });

  it('cancels everything when it is closed', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    answers.askAhead([LOGITS, NORMS]);
    await settle();
    answers.close();
    expect(engine.open[0]!.signal?.aborted).toBe(true);
    engine.open[0]!.fail();
    await settle();
    expect(engine.open).toHaveLength(1);
  });
});

describe('questions ahead', () => {
  async function setUp() {
    const engine = fakeEngine();
    const answers = new Answers(engine, RUN);
    answers.ask({ kind: 'tokens' });
    answers.askAhead([LOGITS, NORMS]);
    await settle();
    const kinds = () => engine.asked.map(({ query }) => query.kind);
    return { engine, answers, kinds };
  }

  it('are asked one after the other, while nobody waits', async () => {
    const { engine, kinds } = await setUp();
    expect(kinds()).toEqual(['tokens']);
    for (const at of [0, 1, 2]) {
      engine.open[at]!.answer();
      await settle();
    }
    expect(kinds()).toEqual(['tokens', 'logits', 'norms']);
  });

  it('give way to a question of the page, and are asked again after it', async () => {
    const { engine, answers, kinds } = await setUp();
    engine.open[0]!.answer();
    await settle();
    answers.ask(embedding(1));
    expect(engine.open[1]!.signal?.aborted).toBe(true);
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding']);
    engine.open[1]!.fail();
    await settle();
    expect(kinds()).toHaveLength(3);
    engine.open[2]!.answer();
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding', 'logits']);
  });

  it('are not asked again by a page that wants the same, and then not given up for others', async () => {
    const { engine, answers, kinds } = await setUp();
    engine.open[0]!.answer();
    await settle();
    const logits = answers.ask({ ...LOGITS });
    answers.ask(embedding(1));
    await settle();
    expect(engine.open[1]!.signal?.aborted).toBe(false);
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding']);
    for (const at of [1, 2]) engine.open[at]!.answer();
    await settle();
    expect(logits.done).toBe(true);
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding', 'norms']);
  });

  it('wait while something else is computed for the page, and are asked again after it', async () => {
    const { engine, answers, kinds } = await setUp();
    engine.open[0]!.answer();
    await settle();
    let computed = (): void => undefined;
    const held = answers.hold(() => new Promise<void>((resolve) => (computed = resolve)));
    expect(engine.open[1]!.signal?.aborted).toBe(true);
    engine.open[1]!.fail();
    answers.ask(embedding(1));
    await settle();
    engine.open[2]!.answer();
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding']);
    computed();
    await held;
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'embedding', 'logits']);
  });

  it('are not repeated when they fail, until somebody asks the same', async () => {
    const { engine, answers, kinds } = await setUp();
    engine.open[0]!.answer();
    await settle();
    engine.open[1]!.fail();
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'norms']);
    answers.ask({ ...LOGITS });
    await settle();
    expect(kinds()).toEqual(['tokens', 'logits', 'norms', 'logits']);
  });
});
