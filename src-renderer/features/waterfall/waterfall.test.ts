import { describe, expect, it, vi } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { PreviewParams } from '../../../src-main/engine/api/types.ts';
import type { EngineState } from '../chat/state/engine.svelte.ts';
import { MODEL } from '../chat/test-support/fakes.ts';
import type { DrawSource } from './draw-source.ts';
import { explainedDraw } from './test-support/explained.ts';
import { Waterfall, type WaterfallView } from './waterfall.svelte.ts';

const sampling = { ...defaultSamplingParams(), seed: 42 };

function source(change: Partial<DrawSource> = {}): DrawSource {
  return {
    count: 5,
    sampling,
    seed: 42,
    model: { id: MODEL.id, name: MODEL.name },
    token: (index) => ({ id: 10 + index, text: ` w${10 + index}` }),
    before: () => ({ prompt: 'Hello', reply: '' }),
    problem: () => null,
    caution: () => null,
    question: (index) => {
      const prompt = { kind: 'text', text: 'Hello' } as const;
      return { prompt, sampling, stop: defaultStopParams(), reply: Array.from({ length: index }, (_, at) => 10 + at) };
    },
    ...change,
  };
}

/** An engine that answers with the same draw. */
function opened(change: Partial<DrawSource> = {}, index = 1) {
  const asked: PreviewParams[] = [];
  let failure: EngineError | null = null;
  const api = {
    call: (_: string, params: PreviewParams) => {
      asked.push(params);
      return failure === null ? Promise.resolve(explainedDraw()) : Promise.reject(failure);
    },
  };
  const engine = { model: MODEL, ready: () => Promise.resolve(api) } as unknown as EngineState;
  const waterfall = new Waterfall(engine);
  waterfall.open(source(change), index);
  const view = waterfall.view as WaterfallView;
  return { waterfall, view, asked, fail: (error: EngineError) => (failure = error) };
}

describe('an explained draw', () => {
  it('is asked for with the tokens before, and belongs to the token and the settings', async () => {
    const { view, asked } = opened();
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked).toEqual([expect.objectContaining({ reply: [10], sampling, topCandidates: 10 })]);
    expect(view.actual).toEqual({ id: 11, text: ' w11' });
    view.go(2);
    expect(view.current).toBe(false);
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked.at(-1)).toMatchObject({ reply: [10, 11] });
  });

  it('stays within the reply', () => {
    const { view } = opened();
    view.go(-3);
    expect(view.index).toBe(0);
    view.go(99);
    expect(view.index).toBe(4);
  });

  it('follows settings that are tried, which the reply keeps', async () => {
    const { view, asked } = opened();
    view.whatIf.setSampling({ topK: 3, temperature: 1.5 });
    expect(view.whatIf.changed).toEqual(['temperature', 'topK']);
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked[0].sampling).toEqual({ ...sampling, topK: 3, temperature: 1.5 });
    expect(view.verdict).toEqual({ drawn: '·w11', insteadOf: null });
    view.whatIf.reset(['topK']);
    expect(view.whatIf.patch).toEqual({ temperature: 1.5 });
    expect(view.whatIf.base).toBe(view.source.sampling);
    view.drawAgain();
    expect(view.whatIf.changed).toContain('seed');
  });

  it('has a verdict on settings that are tried once it is about them', async () => {
    const { view } = opened({}, 2);
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    // The settings are those of the reply.
    expect(view.verdict).toBeNull();
    view.whatIf.setSampling({ temperature: 1.5 });
    // The draw is still that of the settings before.
    expect([view.explained?.draw.id, view.verdict]).toEqual([11, null]);
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(view.verdict).toEqual({ drawn: '·w11', insteadOf: '·w12' });
    view.go(1);
    expect(view.verdict).toBeNull();
  });

  it('shows a token of the reply as its row does', async () => {
    const { view } = opened({ token: (index) => ({ id: 10 + index, text: `w${10 + index}` }) }, 2);
    expect(view.textOf(view.actual)).toBe('w12');
    view.whatIf.setSampling({ temperature: 1.5 });
    view.ask();
    await vi.waitFor(() => expect(view.verdict).toEqual({ drawn: '·w11', insteadOf: '·w12' }));
    expect(view.textOf(view.actual)).toBe('·w12');
    // Without a row.
    expect(view.textOf(view.source.token(4))).toBe('w14');
  });

  it('of a token before a branch has the settings of the other version, and what is tried on top', async () => {
    const own = source();
    const other = { ...sampling, seed: 9, topK: 5 };
    const { view, asked } = opened({
      question: (index) => ({ ...own.question(index), sampling: index === 0 ? other : sampling }),
    });
    view.go(0);
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked[0].sampling).toEqual(other);
    expect(view.whatIf.changed).toEqual([]);
    view.whatIf.setSampling({ topK: 3 });
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked[1].sampling).toEqual({ ...other, topK: 3 });
    view.go(1);
    expect(view.whatIf.sampling).toEqual({ ...sampling, topK: 3 });
    view.whatIf.reset(['topK']);
    expect(view.whatIf.changed).toEqual([]);
  });

  it('is not asked for any more if the settings changed at once', async () => {
    const { view, asked } = opened();
    view.ask()();
    view.whatIf.setSampling({ topK: 3 });
    view.ask();
    await vi.waitFor(() => expect(view.current).toBe(true));
    expect(asked).toHaveLength(1);
  });

  it('says why there is none', async () => {
    const other = opened({ model: { id: 'other', name: 'Other' } });
    other.view.ask();
    expect(other.view.problem).toBe(
      'This reply is by Other, and TinyTransformer is loaded. Load Other to see how it was drawn.',
    );
    const typed = opened({ problem: () => 'Typed.' });
    typed.view.ask();
    expect([typed.view.problem, typed.asked]).toEqual(['Typed.', []]);
    const failed = opened();
    failed.fail(new EngineError('CONTEXT_FULL', 'Too long.'));
    failed.view.ask();
    await vi.waitFor(() => expect(failed.view.problem).toBe('Too long.'));
    expect(failed.view.explained).toBeNull();
  });

  it('is gone when the dialog is closed', () => {
    const { waterfall } = opened();
    waterfall.close();
    expect(waterfall.view).toBeNull();
  });
});
