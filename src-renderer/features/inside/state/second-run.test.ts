import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { Answers } from './answers.svelte.ts';
import type { InsideState } from './inside.svelte.ts';
import { SecondRun, type ModelShelf } from './second-run.svelte.ts';

const modelOf = (id: string, changes: Partial<ModelInfo> = {}) =>
  ({ id, name: id, layers: 2, heads: 4, contextSize: 100, ...changes }) as ModelInfo;

function setUp(verdict: 'fits' | 'after-unload' = 'fits') {
  const calls: { method: string; params: unknown }[] = [];
  const memory = { isLost: false };
  const engine = {
    call: (method: string, params: { text?: string; ids?: number[] }) => {
      calls.push({ method, params });
      return Promise.resolve(
        method === 'tokenize' ? { ids: [...(params.text ?? '')].map((_, at) => at) } : { text: 'abc' },
      );
    },
    async *stream(method: string, params: { modelId: string }) {
      calls.push({ method, params });
      if (method === 'inside' && memory.isLost) throw new EngineError('MODEL_NOT_FOUND', 'It is gone.');
      yield await Promise.resolve({ type: 'loaded', model: modelOf(params.modelId, { layers: 1, heads: 2 }) });
    },
  };
  const first = {
    engine: { ready: () => Promise.resolve(engine) },
    ...{ model: modelOf('own'), layer: 1, head: 3, token: 2, target: 5 },
    answers: { ids: [1, 2, 3] } as unknown as Answers | null,
    source: { kind: 'text', text: 'xyz' },
    whatIf: { answers: null as Answers | null },
    selectToken: (index: number) => (first.token = index),
  };
  const library = {
    listings: [
      { id: 'own', problem: null },
      { id: 'other', problem: null },
      { id: 'broken', problem: 'no' },
    ],
    nameOf: (id: string) => `The ${id}`,
    describe: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
    fit: () => ({ verdict }),
    contextOf: () => 64,
    problem: () => null,
  };
  const second = new SecondRun(first as unknown as InsideState, library as unknown as ModelShelf);
  return { memory, calls, first, library, second };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the second run', () => {
  it('reads another text with the loaded model, and follows the first if both are as long', async () => {
    const { second, first, calls } = setUp();
    second.choice = { kind: 'text' };
    second.text = 'abc';
    second.follow();
    await settle();
    expect(calls).toEqual([{ method: 'tokenize', params: { text: 'abc', addBos: true, parseSpecial: false } }]);
    expect(second.answers?.ids).toEqual([0, 1, 2]);
    expect([second.model?.id, second.isComparable, second.canGenerate, second.token]).toEqual(['own', true, true, 2]);
    second.selectToken(0);
    expect(first.token).toBe(0);
  });

  it('has its own token if its length is another', async () => {
    const { second, first } = setUp();
    second.choice = { kind: 'text' };
    second.text = 'abcde';
    second.follow();
    await settle();
    expect([second.isComparable, second.token]).toEqual([false, 4]);
    second.selectToken(9);
    expect([second.token, first.token]).toEqual([4, 2]);
  });

  it('loads another model beside the first, and keeps to its layers and heads', async () => {
    const { second, calls } = setUp();
    expect(second.models).toEqual([{ id: 'other', name: 'The other' }]);
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    expect(calls).toEqual([
      { method: 'load', params: { modelId: 'other', beside: true, contextSize: 64 } },
      { method: 'tokenize', params: { text: 'xyz', addBos: true, parseSpecial: false, modelId: 'other' } },
    ]);
    expect(second.answers?.modelId).toBe('other');
    expect([second.layer, second.head, second.isComparable, second.canGenerate]).toEqual([0, 1, false, false]);
  });

  it('frees the other model as soon as something else is compared', async () => {
    const { second, calls } = setUp();
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    const released = () => calls.filter(({ method }) => method === 'releaseInside').length;
    expect(released()).toBe(0);
    second.choice = null;
    second.follow();
    await settle();
    expect(released()).toBe(1);
    second.choice = { kind: 'text' };
    second.follow();
    await settle();
    expect(released()).toBe(1);
    // The first run's model is the loaded one.
    expect(second.answers?.modelId).toBe('own');
  });

  it('says why a model is not loaded', async () => {
    const { second } = setUp('after-unload');
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    expect(second.answers).toBeNull();
    expect(second.problem).toBe('The other does not fit in memory beside own.');
  });

  it('does not ask whether a model fits that is already beside, while the first text was empty', async () => {
    const { second, first, library, calls } = setUp();
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    // A second copy would not fit.
    library.fit = () => ({ verdict: 'after-unload' });
    const { answers } = first;
    first.answers = null;
    second.follow();
    expect([second.answers, second.model]).toEqual([null, null]);
    first.answers = answers;
    second.follow();
    await settle();
    expect([second.problem, second.answers?.modelId]).toEqual([null, 'other']);
    expect(calls.map(({ method }) => method)).not.toContain('releaseInside');
  });

  it('asks again whether it fits beside another loaded model', async () => {
    const { second, first, library, calls } = setUp();
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    library.fit = () => ({ verdict: 'after-unload' });
    first.model = modelOf('larger');
    first.answers = { ids: [1, 2] } as unknown as Answers;
    second.answers = null;
    second.follow();
    await settle();
    expect(calls.at(-1)).toEqual({ method: 'releaseInside', params: { only: 'beside' } });
    expect(second.problem).toBe('The other does not fit in memory beside larger.');
  });

  it('loads its model again when another window has replaced it, but not again at once', async () => {
    const { second, memory, calls } = setUp();
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    onTestFinished(() => now.mockRestore());
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    const { answers } = second;
    const loads = () => calls.filter(({ method }) => method === 'load').length;
    memory.isLost = true;
    now.mockReturnValue(10_000);
    const norms = { kind: 'norms', from: 0, to: 1 } as const;
    const questions = [norms, { kind: 'tokens' } as const].map((query) => answers!.ask(query));
    expect(loads()).toBe(1);
    await settle();
    expect(loads()).toBe(2);
    // Nothing flickers: the new run answers them.
    expect(questions.map(({ problem }) => problem)).toEqual([null, null]);
    expect(second.answers).not.toBe(answers);
    expect([second.answers?.modelId, second.pending, second.problem]).toEqual(['other', false, null]);
    const again = second.answers!.ask(norms);
    await settle();
    expect([loads(), again.problem?.code]).toEqual([2, 'MODEL_NOT_FOUND']);
  });

  it('frees the model that is beside before it asks whether the next one fits', async () => {
    const { second, library, calls } = setUp();
    second.choice = { kind: 'model', id: 'other' };
    second.follow();
    await settle();
    library.fit = () => ({ verdict: calls.at(-1)?.method === 'releaseInside' ? 'fits' : 'after-unload' });
    second.choice = { kind: 'model', id: 'third' };
    second.follow();
    await settle();
    expect([second.problem, second.answers?.modelId]).toEqual([null, 'third']);
  });

  it('shows the changes of “What if”', () => {
    const { second, first } = setUp();
    second.choice = { kind: 'changes' };
    second.follow();
    expect(second.problem).toContain('No changes');
    first.whatIf.answers = { ids: [1, 2, 3], close: () => undefined } as unknown as Answers;
    second.follow();
    expect(second.answers).toBe(first.whatIf.answers);
    expect(second.target).toBe(5);
    expect(second.problem).toBeNull();
  });

  it('never shows a run under the name of another choice', async () => {
    const { second, first } = setUp();
    first.whatIf.answers = { ids: [1, 2, 3], close: () => undefined } as unknown as Answers;
    second.choice = { kind: 'changes' };
    second.follow();
    expect(second.answers).toBe(first.whatIf.answers);
    second.choice = { kind: 'text' };
    second.text = 'abc';
    second.follow();
    expect([second.answers, second.model, second.pending]).toEqual([null, null, true]);
    // Nobody is typing: it is read at once.
    await settle();
    expect([second.answers?.ids, second.pending]).toEqual([[0, 1, 2], false]);
  });

  it('is pending from a change of its text until the run of the new one is there', async () => {
    const { second } = setUp();
    second.choice = { kind: 'text' };
    second.text = 'abc';
    const stop = second.follow();
    await settle();
    stop();
    second.text = 'abcd';
    second.follow();
    expect([second.answers?.ids, second.pending]).toEqual([[0, 1, 2], true]);
    await vi.waitFor(() => expect(second.answers?.ids).toHaveLength(4));
    expect(second.pending).toBe(false);
  });

  it('reports an engine that fails', async () => {
    const { second, first } = setUp();
    first.engine.ready = () => Promise.reject(new EngineError('BACKEND_LOST', 'The engine stopped.'));
    second.choice = { kind: 'text' };
    second.follow();
    await settle();
    expect(second.problem).toBe('The engine stopped.');
  });
});
