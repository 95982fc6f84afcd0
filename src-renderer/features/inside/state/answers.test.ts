import { describe, expect, it } from 'vitest';
import type { InsideAnswer, InsideParams } from '../../../../src-main/engine/api/inside-types.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { Answers } from './answers.svelte.ts';

/** An engine that is asked about the inside of runs, and answers when it is told to. */
function fakeEngine() {
  const asked: InsideParams[] = [];
  const open: { params: InsideParams; answer: () => void; fail: () => void; signal: AbortSignal | undefined }[] = [];
  const call = (_method: string, params: unknown, options?: { signal?: AbortSignal }) => {
    const given = params as InsideParams;
    asked.push(given);
    return new Promise((resolve, reject) => {
      const { kind } = given.query;
      open.push({
        params: given,
        signal: options?.signal,
        answer: () => resolve({ kind } as InsideAnswer),
        fail: () => reject(new EngineError('OUT_OF_MEMORY', 'too large')),
      });
    });
  };
  const engine = { call } as unknown as EngineApi;
  return { asked, open, ready: () => Promise.resolve(engine) };
}

const embedding = (token: number) => ({ kind: 'embedding' as const, token, neighbours: 2, from: 0, to: 1 });

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('Answers', () => {
  it('asks once, and for the run before everything that needs it', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, { ids: [1, 2] });
    const layer = answers.ask({ kind: 'layer', layer: 0, from: 0, to: 2 });
    expect(answers.ask({ kind: 'layer', layer: 0, from: 0, to: 2 })).toBe(layer);
    await settle();
    expect(engine.asked.map(({ query }) => query.kind)).toEqual(['norms']);
    engine.open[0]!.answer();
    await settle();
    expect(engine.asked.map(({ query }) => query.kind)).toEqual(['norms', 'layer']);
    engine.open[1]!.answer();
    await settle();
    expect(layer.done).toBe(true);
  });

  it('does not wait for the run to read tokens', async () => {
    const engine = fakeEngine();
    new Answers(engine, { ids: [1] }).ask({ kind: 'tokens' });
    await settle();
    expect(engine.asked.map(({ query }) => query.kind)).toEqual(['tokens']);
  });

  it('cancels the question that a newer one of its kind replaces, and shows the last answer meanwhile', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, { ids: [1, 2, 3] });
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
  });

  it('reports a failure, and asks again when asked again', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, { ids: [1] });
    const question = answers.ask({ kind: 'cache' });
    await settle();
    engine.open[0]!.fail();
    await settle();
    expect(question.problem?.message).toBe('too large');
    expect(answers.ask({ kind: 'cache' })).not.toBe(question);
  });

  it('cancels everything when it is closed', async () => {
    const engine = fakeEngine();
    const answers = new Answers(engine, { ids: [1] });
    answers.ask({ kind: 'tokens' });
    await settle();
    answers.close();
    expect(engine.open[0]!.signal?.aborted).toBe(true);
  });
});
