import { expect, it } from 'vitest';
import { ThreadWindow, type TurnRange } from './thread-window.ts';

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
  window.setTurns(
    Array.from({ length: 12 }, (_, at) => `t${at}`),
    () => 10,
  );
  expect(window.total).toBe(1070);
  window.setTurns(['t3', 'other'], () => 10);
  expect(window.total).toBe(160);
});
