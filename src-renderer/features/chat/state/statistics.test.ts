import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../../ui/line-chart.ts';
import { RunStatistics } from './statistics.ts';

const of = (...latencies: number[]) => new RunStatistics(latencies);
const times = (count: number, ms: number) => new Array<number>(count).fill(ms);

it('finds the token in the middle and the slowest', () => {
  expect(of().median()).toBeNull();
  expect(of(99).median()).toBeNull();
  expect(of(99, 5, 1, 3).median()).toBe(3);
  expect(of(99, 4, 1, 2, 3).median()).toBe(2.5);
  expect(of(99).slowest()).toBeNull();
  expect(of(99, 1, 9, 9, 2).slowest()).toEqual({ value: 9, index: 2 });
});

it('leaves the first token, which holds the prompt, out of every rate', () => {
  expect(of(500, 2, 2, 4, 2).average()).toBe(400);
  expect(of(500).average()).toBeNull();
  expect(of(500, ...times(50, 10), ...times(12, 2)).now()).toBe(500);
  expect(of(500).now()).toBeNull();
  expect(of(500, 0, 0).average()).toBeNull();
});

it('leaves out the token after a chosen one, which came with the prompt', () => {
  const branch = new RunStatistics([500, 0.1, 2, 4, 3], 2);
  expect(branch.average()).toBeCloseTo(1000 / 3);
  expect(branch.now()).toBeCloseTo(1000 / 3);
  expect(branch.median()).toBe(3);
  expect(branch.slowest()).toEqual({ value: 4, index: 3 });
  expect(branch.overTime(10).map(({ token }) => token)).toEqual([3, 4, 5]);
  expect(branch.histogram(4)).toMatchObject({ from: 2, to: 4 });
  expect(new RunStatistics([500, 0.1], 2).average()).toBeNull();
});

describe('the rate over time', () => {
  it('has a point per token of a short reply, and never more than asked for', () => {
    expect(of(9, 2, 2).overTime(10)).toEqual([
      { token: 2, rate: 500 },
      { token: 3, rate: 500 },
    ]);
    const long = of(9, ...times(997, 1)).overTime(100);
    expect(long.length).toBeLessThanOrEqual(100);
    expect(long.at(-1)).toEqual({ token: 998, rate: 1000 });
    expect(of(9).overTime(10)).toEqual([]);
  });

  it('shows a slow stretch where it is', () => {
    const rates = of(9, ...times(40, 1), ...times(20, 10), ...times(40, 1)).overTime(200);
    const slowest = rates.reduce((a, b) => (b.rate < a.rate ? b : a));
    expect(slowest.token).toBeGreaterThan(50);
    expect(slowest.token).toBeLessThanOrEqual(62);
    expect(slowest.rate).toBe(100);
  });
});

it('has an axis that ends near the rate, also if single tokens are very fast', () => {
  // 416 tok/s on average; single tokens at 3,333 tok/s, of which one is the first.
  const latencies = Array.from({ length: 200 }, (_, at) => (at % 40 === 0 ? 0.3 : 2.45));
  const points = of(9, ...latencies)
    .overTime(160)
    .map(({ token, rate }) => ({ x: token, y: rate }));
  const { y } = layoutOf([{ key: 'rate', label: '', points }], 280, 132);
  expect([y.from, y.to, y.step]).toEqual([0, 600, 200]);
});

it('counts times per token without letting one outlier squeeze the rest', () => {
  const histogram = of(90, ...Array.from({ length: 100 }, (_, i) => 2 + (i % 10) / 10), 500).histogram(5)!;
  expect(histogram.counts.reduce((a, b) => a + b)).toBe(101);
  expect(histogram.from).toBe(2);
  expect(histogram.to).toBeLessThan(3);
  expect(histogram.counts[4]).toBeGreaterThan(0);
  expect(histogram.medianBin).toBe(2);
  expect(of(90).histogram(5)).toBeNull();
  expect(of(90, 2, 2).histogram(4)).toMatchObject({ counts: [2, 0, 0, 0], medianBin: 0 });
});

it('says of a lost reply what can be said', () => {
  expect(of().timings()).toBeNull();
  expect(of(20, 2, 2).timings()).toMatchObject({ timeToFirstTokenMs: 20, decodeTokensPerSecond: 500, totalMs: 24 });
});

it('answers for a growing run what it answers for the whole', () => {
  const all = Array.from({ length: 5000 }, (_, at) => ((at * 7919) % 1009) / 10 + 1);
  const latencies: number[] = [];
  const growing = new RunStatistics(latencies);
  for (const [at, ms] of all.entries()) {
    latencies.push(ms);
    if (at % 37 !== 0) continue;
    growing.histogram(8);
    growing.slowest();
    growing.overTime(20);
  }
  const whole = of(...all);
  for (const statistics of [growing, whole]) expect(statistics.median()).toBe(whole.median());
  expect(growing.histogram(16)).toEqual(whole.histogram(16));
  expect(growing.slowest()).toEqual(whole.slowest());
  expect(growing.overTime(100)).toEqual(whole.overTime(100));
  expect(growing.average()).toBe(whole.average());
});

it('looks at each token of a growing run once', () => {
  let reads = 0;
  const latencies: number[] = [];
  const watched = new Proxy(latencies, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const statistics = new RunStatistics(watched);
  const costOf = (count: number) => {
    for (let at = 0; at < count; at++) latencies.push(1 + (at % 5));
    reads = 0;
    statistics.now();
    statistics.average();
    statistics.overTime(60);
    statistics.slowest();
    return reads;
  };
  costOf(1000);
  const early = costOf(50);
  costOf(100_000);
  expect(costOf(50)).toBe(early);
});
