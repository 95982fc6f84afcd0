import { expect, it } from 'vitest';
import { ThreadWindow } from './thread-window.ts';

function windowOf(turns: number, height = 100): ThreadWindow {
  const window = new ThreadWindow();
  window.setTurns(
    Array.from({ length: turns }, (_, at) => `t${at}`),
    () => height,
  );
  return window;
}

const NONE = { from: 0, to: 0 };

it('has the turns near the visible part in the page, however long the chat is', () => {
  for (const turns of [100, 100_000]) {
    const { from, to } = windowOf(turns).rangeFor(5000, 5800, NONE);
    expect(from).toBe(40);
    expect(to).toBe(69);
  }
  expect(windowOf(3).rangeFor(0, 800, NONE)).toEqual({ from: 0, to: 3 });
  expect(windowOf(0).rangeFor(0, 800, NONE)).toEqual(NONE);
});

it('leaves the page alone while enough is there', () => {
  const window = windowOf(1000);
  const first = window.rangeFor(5000, 5800, NONE);
  expect(window.rangeFor(5300, 6100, first)).toBe(first);
  expect(window.rangeFor(5800, 6600, first)).not.toBe(first);
  expect(window.rangeFor(50_000, 50_800, first).from).toBe(490);
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
