import { describe, expect, it, vi } from 'vitest';
import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import { EXAMPLE } from './examples.ts';
import { InsideState, type InsideParts } from './inside.svelte.ts';

function setUp(parameters = NaN) {
  const calls: string[] = [];
  const queries: string[] = [];
  const model = { id: 'own', name: 'Own', layers: 2, heads: 4, contextSize: 40, parameters } as ModelInfo;
  const api = {
    call: (method: string, params: { text?: string }) => {
      calls.push(method);
      return Promise.resolve({ ids: [...(params.text ?? '')].map((_, at) => at), bytes: 0 });
    },
    async *stream(method: string, { query: { kind } }: { query: { kind: string } }) {
      calls.push(method);
      queries.push(kind);
      yield await Promise.resolve({ type: 'answer', answer: { kind } });
    },
  };
  const engine = {
    status: 'ready',
    model: model as ModelInfo | null,
    ready: (_?: AbortSignal) => Promise.resolve(api),
  };
  const library = { listings: [], load: () => Promise.resolve() };
  const settings = { current: { lessonAnswered: [] }, update: () => undefined };
  const parts = { engine, library, settings, replies: {} } as unknown as InsideParts;
  return { calls, queries, engine, inside: new InsideState(parts) };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

const draws = {
  model: { id: 'own', name: 'Own' },
  token: (index: number) => ({ id: 70 + index }),
  problem: () => null,
  question: (index: number) => ({
    prompt: { kind: 'ids', ids: [1, 2] },
    stop: { maxTokens: 20 },
    reply: Array.from({ length: index }, (_, at) => 70 + at),
  }),
} as unknown as DrawSource;

describe('the state of Inside', () => {
  it('shows an example, with its last token selected', async () => {
    const { inside } = setUp();
    inside.follow();
    await settle();
    expect(inside.answers?.ids).toHaveLength(EXAMPLE.length);
    expect(inside.token).toBe(EXAMPLE.length - 1);
    inside.selectToken(-3);
    expect(inside.token).toBe(0);
    inside.selectToken(999);
    expect(inside.token).toBe(EXAMPLE.length - 1);
  });

  it('is pending from a change of its text until the run of the new one is there', async () => {
    const { inside } = setUp();
    const stop = inside.follow();
    expect(inside.pending).toBe(true);
    await settle();
    expect(inside.pending).toBe(false);
    const before = inside.answers;
    stop();
    inside.setText('ab');
    inside.follow();
    expect(inside.answers).toBe(before);
    expect(inside.pending).toBe(true);
    await vi.waitFor(() => expect(inside.answers?.ids).toHaveLength(2));
    expect(inside.pending).toBe(false);
  });

  it('is not pending when it is closed, without a model, or with a problem', async () => {
    const { inside, engine } = setUp();
    inside.follow()();
    inside.close();
    expect(inside.pending).toBe(false);
    inside.setText('');
    inside.follow();
    await settle();
    expect([inside.pending, inside.problem]).toEqual([false, 'Type text to look inside.']);
    engine.model = null;
    inside.follow();
    expect(inside.pending).toBe(false);
  });

  it('shows the run that led to a token of a reply, and asks why', async () => {
    const { inside } = setUp();
    inside.lookAt(draws, 2);
    inside.follow();
    await settle();
    expect(inside.answers?.ids).toEqual([1, 2, 70, 71]);
    expect([inside.step, inside.target, inside.draw?.index]).toEqual(['why', 72, 2]);
    const question = (index: number) => ({ ...draws.question(index - 1), firstToken: 69 });
    inside.lookAt({ ...draws, question }, 2);
    inside.follow();
    await settle();
    expect(inside.answers?.ids).toEqual([1, 2, 69, 70]);
    inside.setText('ab');
    expect([inside.target, inside.draw]).toEqual([null, null]);
  });

  it('says why there is no run that led to a text that was not generated, and asks nothing', async () => {
    const { inside, calls } = setUp();
    const typed: DrawSource = {
      ...draws,
      token: () => ({ id: NO_TOKEN, text: 'By hand' }),
      problem: () => 'It was not generated.',
    };
    inside.lookAt(typed, 2);
    inside.follow();
    await settle();
    expect([inside.step, inside.problem, inside.answers]).toEqual(['why', 'It was not generated.', null]);
    expect([inside.target, inside.draw, inside.pending, calls]).toEqual([null, null, false, []]);
    inside.lookAt(draws, 2);
    inside.follow();
    await settle();
    expect([inside.problem, inside.target, inside.answers?.ids.length]).toEqual([null, 72, 4]);
  });

  it('says what may make a run differ from that of its reply', () => {
    const { inside } = setUp();
    const caution = (index: number) => (index === 2 ? 'You chose this token.' : null);
    inside.lookAt({ ...draws, caution }, 2);
    expect(inside.caution).toBe('You chose this token.');
    inside.lookAt({ ...draws, caution }, 3);
    expect(inside.caution).toBeNull();
    inside.lookAt({ ...draws, caution }, 2);
    inside.setText('ab');
    expect(inside.caution).toBeNull();
  });

  it('reads the prompt of a reply again without adding the reply twice', async () => {
    const { inside } = setUp();
    inside.lookAt(draws, 2);
    for (let times = 0; times < 2; times++) {
      const stop = inside.follow();
      await settle();
      expect(inside.answers?.ids).toEqual([1, 2, 70, 71]);
      stop();
      inside.close();
    }
  });

  it('computes ahead what steps need, if that takes seconds', async () => {
    for (const [parameters, expected] of [
      [1e9, ['tokens', 'logits', 'attention']],
      [1e11, []],
    ] as const) {
      const { inside, queries } = setUp(parameters);
      inside.follow();
      await settle();
      expect(inside.answers?.modelId).toBe('own');
      expect(queries).toEqual(expected);
    }
  });

  it('refuses replies of other models, empty texts and long ones', async () => {
    const { inside, engine } = setUp();
    inside.setText('');
    inside.follow();
    await settle();
    expect(inside.problem).toBe('Type text to look inside.');
    inside.setText('x'.repeat(41));
    inside.follow();
    await settle();
    expect(inside.problem).toBe('The text has 41 tokens, but the context window of Own holds 40. Shorten it.');
    inside.lookAt(draws, 39);
    inside.follow();
    await settle();
    expect(inside.problem).toBe(
      'The chat up to here has 41 tokens, but the context window of Own holds 40. Load Own with a larger context window.',
    );
    engine.model = { ...engine.model, id: 'new', name: 'New' } as ModelInfo;
    inside.lookAt(draws, 0);
    inside.follow();
    await settle();
    expect(inside.problem).toBe('This reply is by Own, and New is loaded. Load Own to look inside.');
  });

  it('releases what is remembered when it closes', async () => {
    const { inside, calls } = setUp();
    inside.follow();
    await settle();
    inside.close();
    await settle();
    expect(inside.answers).toBeNull();
    expect(calls).toEqual(['tokenize', 'releaseInside']);
  });

  it.each([
    ['releases it when a model that is being loaded is there', false, ['releaseInside']],
    ['releases nothing of a view that is open again by then', true, []],
  ] as const)('%s', async (_, isOpenAgain, expected) => {
    const { inside, engine, calls } = setUp();
    const { ready } = engine;
    let loaded = (): void => undefined;
    engine.ready = (signal) =>
      new Promise((resolve, reject) => {
        loaded = () => resolve(ready());
        signal?.addEventListener('abort', () => reject(new Error('cancelled')));
      });
    inside.close();
    await settle();
    expect(calls).toEqual([]);
    if (isOpenAgain) inside.follow()();
    loaded();
    await settle();
    expect(calls).toEqual(expected);
  });

  it('moves between steps, and stops at both ends', () => {
    const { inside } = setUp();
    inside.move(-1);
    expect(inside.step).toBe('tokenize');
    inside.move(1);
    expect(inside.step).toBe('embed');
    inside.show('what-if');
    inside.move(1);
    expect(inside.step).toBe('what-if');
  });
});
