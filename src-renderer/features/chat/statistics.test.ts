import { describe, expect, it } from 'vitest';
import { largest, latencyHistogram, median, rateAverage, rateNow, rateOverTime, timingsFrom } from './statistics.ts';

it('finds median and largest', () => {
  expect(median([])).toBeNull();
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(largest([])).toBeNull();
  expect(largest([1, 9, 9, 2])).toEqual({ value: 9, index: 1 });
});

it('leaves the first token, which holds the prompt, out of every rate', () => {
  expect(rateAverage([500, 2, 2, 4, 2])).toBe(400);
  expect(rateAverage([500])).toBeNull();
  expect(rateNow([500, ...Array<number>(50).fill(10), ...Array<number>(12).fill(2)])).toBe(500);
  expect(rateNow([500])).toBeNull();
  expect(rateAverage([500, 0, 0])).toBeNull();
});

describe('rateOverTime', () => {
  it('has a point per token of a short reply, and never more than asked for', () => {
    expect(rateOverTime([9, 2, 2], 10)).toEqual([
      { token: 2, rate: 500 },
      { token: 3, rate: 500 },
    ]);
    const long = rateOverTime([9, ...Array<number>(997).fill(1)], 100);
    expect(long.length).toBeLessThanOrEqual(100);
    expect(long.at(-1)).toEqual({ token: 998, rate: 1000 });
    expect(rateOverTime([9], 10)).toEqual([]);
  });

  it('shows a slow stretch where it is', () => {
    const slow = [9, ...Array<number>(40).fill(1), ...Array<number>(20).fill(10), ...Array<number>(40).fill(1)];
    const rates = rateOverTime(slow, 200);
    const slowest = rates.reduce((a, b) => (b.rate < a.rate ? b : a));
    expect(slowest.token).toBeGreaterThan(50);
    expect(slowest.token).toBeLessThanOrEqual(62);
    expect(slowest.rate).toBe(100);
  });
});

it('counts times per token without letting one outlier squeeze the rest', () => {
  const times = [90, ...Array.from({ length: 100 }, (_, i) => 2 + (i % 10) / 10), 500];
  const histogram = latencyHistogram(times, 5)!;
  expect(histogram.counts.reduce((a, b) => a + b)).toBe(101);
  expect(histogram.from).toBe(2);
  expect(histogram.to).toBeLessThan(3);
  expect(histogram.counts[4]).toBeGreaterThan(0);
  expect(histogram.medianBin).toBe(2);
  expect(latencyHistogram([90], 5)).toBeNull();
  expect(latencyHistogram([90, 2, 2], 4)).toMatchObject({ counts: [2, 0, 0, 0], medianBin: 0 });
});

it('says of a lost reply what can be said', () => {
  expect(timingsFrom([])).toBeNull();
  expect(timingsFrom([20, 2, 2])).toMatchObject({ timeToFirstTokenMs: 20, decodeTokensPerSecond: 500, totalMs: 24 });
});
