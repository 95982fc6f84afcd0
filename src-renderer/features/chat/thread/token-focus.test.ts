import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TokenFocus } from './token-focus.svelte.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('opens after a moment of hover, and stays while the pointer is on it', () => {
  const focus = new TokenFocus();
  focus.point(3);
  expect(focus.index).toBeNull();
  vi.advanceTimersByTime(119);
  expect(focus.index).toBeNull();
  vi.advanceTimersByTime(1);
  expect(focus.index).toBe(3);
  focus.point(null);
  focus.hold();
  vi.advanceTimersByTime(500);
  expect(focus.index).toBe(3);
  focus.point(null);
  vi.advanceTimersByTime(120);
  expect(focus.index).toBeNull();
});

it('walks by keys at once, from end to end', () => {
  const focus = new TokenFocus();
  expect(focus.key('ArrowRight', 5)).toBe(true);
  expect(focus.index).toBe(0);
  expect(focus.key('ArrowLeft', 5)).toBe(true);
  expect(focus.index).toBe(0);
  focus.key('End', 5);
  expect(focus.index).toBe(4);
  focus.key('ArrowRight', 5);
  expect(focus.index).toBe(4);
  focus.key('Home', 5);
  expect(focus.index).toBe(0);
  expect(focus.key('x', 5)).toBe(false);
  expect(new TokenFocus().key('ArrowRight', 0)).toBe(false);
  const fresh = new TokenFocus();
  fresh.key('ArrowLeft', 5);
  expect(fresh.index).toBe(4);
});

it('pins by Enter and by click, and then the pointer moves nothing', () => {
  const focus = new TokenFocus();
  expect(focus.key('Enter', 5)).toBe(false);
  focus.key('Home', 5);
  focus.key('Enter', 5);
  expect(focus.pinned).toBe(true);
  focus.point(2);
  vi.advanceTimersByTime(500);
  expect(focus.index).toBe(0);
  focus.toggle(2);
  expect(focus).toMatchObject({ index: 2, pinned: true });
  focus.toggle(2);
  expect(focus).toMatchObject({ index: null, pinned: false });
});

it('selects tokens with Shift and by dragging, until something else is done', () => {
  const focus = new TokenFocus();
  focus.key('Home', 5);
  focus.key('ArrowRight', 5);
  focus.key('ArrowRight', 5, { shift: true });
  focus.key('ArrowRight', 5, { shift: true });
  expect(focus.span).toEqual({ first: 1, end: 4 });
  focus.key('Home', 5, { shift: true });
  expect(focus.span).toEqual({ first: 0, end: 2 });
  expect(focus.key('Enter', 5)).toBe(false);
  focus.key('ArrowRight', 5);
  expect(focus).toMatchObject({ span: null, index: 1 });

  focus.select(4, 2);
  expect(focus).toMatchObject({ span: { first: 2, end: 5 }, index: 2, pinned: false });
  focus.point(0);
  vi.advanceTimersByTime(500);
  expect(focus.index).toBe(2);
  focus.toggle(3);
  expect(focus).toMatchObject({ span: null, index: 3, pinned: true });
  focus.select(0, 1);
  focus.close();
  expect(focus).toMatchObject({ span: null, index: null });
});

it('moves through the candidates of a pinned token', () => {
  const focus = new TokenFocus();
  focus.key('Home', 5);
  expect(focus.key('ArrowDown', 5, { rows: 3 })).toBe(false);
  focus.key('Enter', 5);
  expect(focus.key('ArrowDown', 5, { rows: 0 })).toBe(false);
  focus.key('ArrowDown', 5, { rows: 3 });
  focus.key('ArrowDown', 5, { rows: 3 });
  expect(focus.row).toBe(1);
  focus.key('ArrowUp', 5, { rows: 3 });
  focus.key('ArrowUp', 5, { rows: 3 });
  expect(focus.row).toBe(2);
  focus.key('ArrowRight', 5, { rows: 3 });
  expect(focus).toMatchObject({ row: null, index: 1, pinned: true });
});
