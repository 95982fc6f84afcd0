import { describe, expect, it } from 'vitest';
import { TokenSeries } from './token-series.ts';

const columns = (probabilities: readonly number[], latencies = probabilities.map(() => 2)) => ({
  logprobs: probabilities.map(Math.log),
  latencies: [...latencies],
});

describe('TokenSeries', () => {
  it('averages over five tokens, in bits', () => {
    const points = new TokenSeries('surprisal').points(columns([0.5, 0.25, 0.5, 0.25, 0.5, 0.125]));
    expect(points.map(({ x }) => x)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(points[0].y).toBeCloseTo(1, 10);
    expect(points[1].y).toBeCloseTo(1.5, 10);
    expect(points[5].y).toBeCloseTo((2 + 1 + 2 + 1 + 3) / 5, 10);
  });
  it('grows with its columns', () => {
    const grown = columns([0.5]);
    const series = new TokenSeries('probability');
    expect(series.points(grown)).toEqual([{ x: 1, y: 50 }]);
    grown.logprobs.push(0);
    expect(series.points(grown).at(-1)).toEqual({ x: 2, y: 75 });
  });
  it('leaves the time of the prompt out', () => {
    expect(new TokenSeries('time').points(columns([1, 1, 1], [90, 2, 4]))).toEqual([
      { x: 2, y: 2 },
      { x: 3, y: 3 },
    ]);
    expect(new TokenSeries('time').points(columns([]))).toEqual([]);
  });
  it('leaves out the time of the prompt of a branch, too', () => {
    expect(new TokenSeries('time').points(columns([1, 1, 1, 1], [90, 2, 70, 4]), [0, 2])).toEqual([
      { x: 2, y: 2 },
      { x: 3, y: 2 },
      { x: 4, y: 3 },
    ]);
    expect(new TokenSeries('time').points(columns([1, 1, 1], [90, 70, 4]), [0, 1])).toEqual([{ x: 3, y: 4 }]);
    // It is a token like others.
    expect(new TokenSeries('probability').points(columns([1, 0]), [0, 1])).toEqual([
      { x: 1, y: 100 },
      { x: 2, y: 50 },
    ]);
  });
  it('has at most 240 points, the last token among them', () => {
    const points = new TokenSeries('surprisal').points(columns(Array<number>(1000).fill(0.5)));
    expect(points.length).toBeLessThanOrEqual(240);
    expect(points.at(-1)).toEqual({ x: 1000, y: expect.closeTo(1, 10) as number });
  });
});
