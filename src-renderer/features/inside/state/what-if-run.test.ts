import { expect, it } from 'vitest';
import { WhatIfRun } from './what-if-run.svelte.ts';

it('runs with all changes, one for each part, until another run comes', () => {
  const run = new WhatIfRun({ ready: () => new Promise(() => undefined) });
  run.reset([1, 2, 3]);
  expect(run.answers).toBeNull();
  run.add({ intervention: { kind: 'token', index: 1, id: 7 }, name: 'seven' });
  run.add({ intervention: { kind: 'positions' }, name: 'No positions' });
  run.add({ intervention: { kind: 'token', index: 1, id: 8 }, name: 'eight' });
  expect(run.changes.map(({ name }) => name)).toEqual(['No positions', 'eight']);
  expect(run.answers?.ids).toEqual([1, 2, 3]);
  expect(run.answers?.interventions).toEqual([{ kind: 'positions' }, { kind: 'token', index: 1, id: 8 }]);
  run.remove(run.changes[0]!);
  expect(run.answers?.interventions).toHaveLength(1);
  run.temperature = 2;
  run.reset([4]);
  expect([run.changes, run.answers, run.temperature]).toEqual([[], null, 1]);
});
