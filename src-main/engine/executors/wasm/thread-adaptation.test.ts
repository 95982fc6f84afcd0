import { expect, it } from 'vitest';
import { ThreadAdaptation } from './thread-adaptation.ts';

/** What a run costs: ms and waits in vain. */
type Cost = (threads: number, rows: number) => readonly [ms: number, waits: number];

/** A simulated computer that runs one token after the other. */
class Computer {
  private now = 0;
  private waits = 0;
  readonly adaptation: ThreadAdaptation;

  constructor(most: number, begin = most) {
    this.adaptation = new ThreadAdaptation(most, { now: () => this.now }, begin);
  }

  /** @returns how many of the runs were on each number of threads */
  run(runs: number, cost: Cost, rows = 1): Record<number, number> {
    const used: Record<number, number> = {};
    for (let i = 0; i < runs; i++) {
      const { threads } = this.adaptation;
      used[threads] = (used[threads] ?? 0) + 1;
      const ended = this.adaptation.watch(rows, () => this.waits);
      const [ms, waits] = cost(threads, rows);
      this.now += ms;
      this.waits += waits;
      ended();
    }
    return used;
  }
}

const free: Cost = (threads, rows) => [(12 * rows) / threads, 0];
/** One of `cores` is shared with another program. */
const busy =
  (cores: number): Cost =>
  (threads) =>
    threads < cores ? [12 / threads, 0] : [15, 3 * threads];

it('takes all threads on free cores', () => {
  expect(new Computer(8).run(5000, free)).toEqual({ 8: 5000 });
});

it('takes fewer threads while one has to wait for its core, and all of them afterwards', () => {
  const computer = new Computer(8);
  computer.run(5 * 18, free);
  expect(computer.run(36, busy(8))).toMatchObject({ 8: 18 });
  expect(computer.adaptation.threads).toBe(6);
  computer.run(5000, busy(8));
  // More are tried at most every 16 s, which are 8,000 runs.
  expect(computer.run(40_000, busy(8))[8]).toBeLessThanOrEqual(6 * 6);
  expect(computer.adaptation.threads).toBe(6);
  computer.run(5000, free);
  expect(computer.run(1000, free)).toEqual({ 8: 1000 });
});

it('takes ever fewer while that is faster', () => {
  const computer = new Computer(8);
  computer.run(5000, busy(3));
  expect(computer.adaptation.threads).toBe(2);
  const one = new Computer(2);
  one.run(36, busy(2));
  expect(one.adaptation.threads).toBe(1);
});

it('keeps all threads where fewer are no faster, and tries them ever less often', () => {
  const computer = new Computer(2);
  expect(computer.run(18 + 18, () => [12, 2])).toEqual({ 1: 18, 2: 18 });
  // After 2, 4, 8, 16, 16, ... s.
  expect(computer.run(5000, () => [12, 2])[1]).toBeLessThanOrEqual(6 * 18);
  expect(computer.adaptation.threads).toBe(2);
});

it('stops trying fewer after a few runs that take much longer', () => {
  const slow: Cost = (threads) => [24 / threads, 2];
  expect(new Computer(2).run(100, slow)).toEqual({ 1: 2 + 4, 2: 100 - 6 });
});

it('compares only runs of equally many rows', () => {
  const computer = new Computer(2);
  computer.run(18, busy(2));
  expect(computer.adaptation.threads).toBe(1);
  // One lane has ended: what its runs took says nothing about these.
  computer.run(1, free, 3);
  expect(computer.adaptation.threads).toBe(2);
  expect(computer.run(5000, free, 3)).toEqual({ 2: 5000 });
});

it('tries more threads than it begins with', () => {
  const computer = new Computer(4, 2);
  computer.run(1000, free);
  expect(computer.adaptation.threads).toBe(4);
});
