import { expect, it } from 'vitest';
import { candidateRows } from './candidates.ts';

it('lists legible candidates with the token itself, scaled to the longest bar', () => {
  const candidates = [
    { id: 9, piece: 'best', logprob: Math.log(0.6), sampledProbability: 0.8 },
    { id: 8, piece: '\n', logprob: Math.log(0.2), sampledProbability: null },
  ];
  const chosen = { index: 0, id: 5, text: 'rare', part: 'answer', logprob: Math.log(0.01), latencyMs: 2 } as const;
  const rows = candidateRows(chosen, { piece: ' rare', rank: 40, sampledProbability: 0.2, survivors: 4, candidates });
  expect(rows.map((row) => [row.label, row.value, row.picked, row.gone])).toEqual([
    ['best', '80\u00a0%', false, false],
    ['⏎', 'cut', false, true],
    ['·rare', '20\u00a0%', true, false],
  ]);
  expect(rows[0].after).toBe(1);
  expect(rows[0].before).toBeCloseTo(0.75, 12);
});

it('names what removed a candidate', () => {
  const removed = (removedBy: string | undefined, id: number) => {
    const candidate = { id, piece: ' x', logprob: Math.log(0.25), sampledProbability: null };
    return removedBy === undefined ? candidate : { ...candidate, removedBy };
  };
  const candidates = ['top_k', 'grammar', 'a_later_stage', undefined].map(removed);
  const chosen = { index: 0, id: 7, text: ' rare', part: 'answer', logprob: Math.log(0.01), latencyMs: 2 } as const;
  // A person chose it although it was cut.
  const rows = candidateRows(chosen, { piece: ' rare', rank: 40, sampledProbability: 0, survivors: 4, candidates });
  expect(rows.map(({ value }) => value)).toEqual(['Top-k', 'Grammar', 'a_later_stage', 'cut', 'cut']);
  expect(rows[0].description).toBe('·x, 25\u00a0% likely, cut by Top-k');
  expect(rows[3].description).toBe('·x, 25\u00a0% likely, cut');
});
