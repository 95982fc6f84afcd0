import { expect, it } from 'vitest';
import { stillLeaving, ThreadWindow, type TurnRange } from './thread-window.ts';

function windowOf(turns: number, height = 100): ThreadWindow {
  const window = new ThreadWindow();
  window.setTurns(
    Array.from({ length: turns }, (_, at) => `t${at}`),
    () => height,
  );
  return window;
}

const NONE = { from: 0, to: 0 };

/** What is in the page in the end, and the most turns that were added at once. */
function settle(window: ThreadWindow, top: number, present: TurnRange): { range: TurnRange; most: number } {
  let most = 0;
  for (let range = present; ;) {
    const next = window.rangeFor(top, top + 800, range);
    if (next === range) return { range, most };
    most = Math.max(
      most,
      next.to - next.from - (next.from < range.to && next.to > range.from ? range.to - range.from : 0),
    );
    range = next;
  }
}

it('has the turns near the visible part in the page, however long the chat is', () => {
  for (const turns of [100, 100_000]) {
    const { range } = settle(windowOf(turns), 5000, NONE);
    expect(range).toEqual({ from: 46, to: 63 });
  }
  expect(settle(windowOf(3), 0, NONE).range).toEqual({ from: 0, to: 3 });
  expect(settle(windowOf(0), 0, NONE).range).toEqual(NONE);
});

it('leaves the page alone while enough is there, and adds a few turns at a time', () => {
  const window = windowOf(1000);
  const { range, most } = settle(window, 5000, NONE);
  expect(most).toBeLessThanOrEqual(9 + 8);
  expect(settle(window, 5000, range).range).toBe(range);
  const further = settle(window, 5800, range);
  expect(further.range.to).toBeGreaterThanOrEqual(70);
  expect(further.most).toBeLessThanOrEqual(8);
  const jump = settle(window, 50_000, range);
  expect(jump.range.from).toBe(496);
  expect(jump.most).toBeLessThanOrEqual(9 + 8);
});

it('keeps room for the turns that are not in the page', () => {
  const window = windowOf(1000);
  const { slots, after } = window.slots({ from: 40, to: 43 }, [2, 41, 999]);
  expect(slots).toEqual([
    { index: 2, gap: 200 },
    { index: 40, gap: 3700 },
    { index: 41, gap: 0 },
    { index: 42, gap: 0 },
    { index: 999, gap: 95_600 },
  ]);
  expect(after).toBe(0);
  expect(window.slots({ from: 0, to: 2 }, []).after).toBe(99_800);
});

it('knows a height from when it was measured, and keeps it when turns are added', () => {
  const window = windowOf(10);
  expect(window.measure(3, 150)).toBe(50);
  expect(window.measure(3, 150)).toBe(0);
  expect(window.measure(4, 100)).toBe(0);
  expect(window.total).toBe(1050);
  expect(window.measure(8, 70)).toBe(-30);
  expect([3, 4, 8, 9, 10].map((index) => window.offsetOf(index))).toEqual([300, 450, 850, 920, 1020]);
  expect(window.measure(8, 100)).toBe(30);
  window.setTurns(
    Array.from({ length: 12 }, (_, at) => `t${at}`),
    () => 10,
  );
  expect(window.total).toBe(1070);
  window.setTurns(['t3', 'other'], () => 10);
  expect(window.total).toBe(160);
});

it('adds what is seen first after a jump, and nothing else while a frame has drawn enough', () => {
  const window = windowOf(1000);
  const seen = window.rangeFor(50_000, 50_800, { from: 40, to: 60 });
  expect(seen).toEqual({ from: 500, to: 509 });
  expect(window.rangeFor(50_000, 50_800, seen, true)).toBe(seen);
  expect(window.rangeFor(50_000, 50_800, seen)).toEqual({ from: 496, to: 513 });
  expect(window.rangeFor(50_300, 51_100, seen, true)).toEqual({ from: 500, to: 512 });
  expect(window.rangeFor(10_000, 10_800, seen, true)).toEqual({ from: 100, to: 109 });
});

it('takes what a jump left behind out of the page a few at a time', () => {
  const [before, range] = [
    { from: 10, to: 30 },
    { from: 500, to: 509 },
  ];
  const all = stillLeaving([], before, range);
  expect(all).toEqual(Array.from({ length: 20 }, (_, at) => 10 + at));
  const first = stillLeaving(all, range, range);
  expect(first).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
  const second = stillLeaving(first, range, range);
  expect(second).toEqual([26, 27, 28, 29]);
  expect(stillLeaving(second, range, range)).toEqual([]);
  // Back again: those that are needed stay, and those of the jump leave.
  const back = { from: 28, to: 40 };
  expect(stillLeaving(second, range, back)).toEqual([26, 27, 500, 501, 502, 503, 504, 505, 506, 507, 508]);
});
