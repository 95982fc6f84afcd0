import { expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { DrawQuestion } from '../../waterfall/draw-source.ts';
import { SamplingDraw } from './sampling-draw.svelte.ts';

/** What is asked ahead does not matter here. */
const run = { answers: { hold: <T>(use: () => Promise<T>) => use() } };
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const questionOf = (id: number) => ({ prompt: { kind: 'ids', ids: [id] }, sampling: {} }) as unknown as DrawQuestion;

it('marks the draw of an earlier question until the new one is there', async () => {
  const open: ((draw: unknown) => void)[] = [];
  const call = () => new Promise((resolve) => open.push((draw) => resolve({ draw })));
  const sampling = new SamplingDraw({ ready: () => Promise.resolve({ call } as unknown as EngineApi) });
  sampling.ask(questionOf(1), 0, run);
  await settle();
  open[0]!({ rows: [] });
  await settle();
  expect([sampling.explained?.index, sampling.stale]).toEqual([0, false]);
  const cancel = sampling.ask(questionOf(2), 1, run);
  expect([sampling.explained?.index, sampling.stale]).toEqual([0, true]);
  await settle();
  cancel();
  sampling.ask(questionOf(3), 2, run);
  await settle();
  // Late, and cancelled.
  open[1]!({ rows: [] });
  await settle();
  expect([sampling.explained?.index, sampling.stale]).toEqual([0, true]);
  open[2]!({ rows: [] });
  await settle();
  expect([sampling.explained?.index, sampling.stale]).toEqual([2, false]);
});

it('shows no draw where there is none', async () => {
  const error = new EngineError('NO_MODEL', 'No model.');
  const sampling = new SamplingDraw({ ready: () => Promise.reject(error) });
  sampling.ask(questionOf(1), 0, run);
  await settle();
  expect([sampling.explained, sampling.stale, sampling.problem]).toEqual([null, false, 'No model.']);
});

it('asks when what is computed first is there, unless it was cancelled by then', async () => {
  let asked = 0;
  const call = () => Promise.resolve({ draw: { rows: [asked++] } });
  const sampling = new SamplingDraw({ ready: () => Promise.resolve({ call } as unknown as EngineApi) });
  let computed = (): void => undefined;
  const after = new Promise<void>((resolve) => (computed = resolve));
  sampling.ask(questionOf(1), 0, { ...run, after })();
  sampling.ask(questionOf(2), 1, { ...run, after });
  await settle();
  expect(asked).toBe(0);
  computed();
  await settle();
  expect([asked, sampling.explained?.index]).toEqual([1, 1]);
});
