import { expect, it } from 'vitest';
import { Answers } from './answers.svelte.ts';
import { WhatIfRun } from './what-if-run.svelte.ts';

const engine = { ready: () => new Promise<never>(() => undefined) };
const runOf = (ids: number[]) => new Answers(engine, { ids, modelId: 'own' });

it('runs with all changes, one for each part, until another run comes', () => {
  const run = new WhatIfRun(engine);
  run.reset(runOf([1, 2, 3]));
  expect(run.answers).toBeNull();
  run.add({ intervention: { kind: 'token', index: 1, id: 7 }, name: 'seven' });
  run.add({ intervention: { kind: 'positions' }, name: 'No positions' });
  run.add({ intervention: { kind: 'token', index: 1, id: 8 }, name: 'eight' });
  expect(run.changes.map(({ name }) => name)).toEqual(['No positions', 'eight']);
  expect(run.answers?.ids).toEqual([1, 2, 3]);
  expect(run.answers?.modelId).toBe('own');
  expect(run.answers?.interventions).toEqual([{ kind: 'positions' }, { kind: 'token', index: 1, id: 8 }]);
  run.remove(run.changes[0]!);
  expect(run.answers?.interventions).toHaveLength(1);
  run.temperature = 2;
  run.reset(runOf([4]));
  expect([run.changes, run.answers, run.temperature]).toEqual([[], null, 1]);
});

it('ignores a change that was meant for an earlier run', () => {
  const run = new WhatIfRun(engine);
  const [first, second] = [runOf([1, 2, 3]), runOf([4])];
  run.reset(first);
  run.reset(second);
  const change = { intervention: { kind: 'token', index: 2, id: 7 } as const, name: 'seven' };
  run.add(change, first);
  expect(run.changes).toEqual([]);
  run.add(change, second);
  expect(run.changes).toEqual([change]);
});
