import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pacedFrames } from './paced-frames.ts';

const FRAME_MS = 16;

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Frames at multiples of `FRAME_MS`, each of which takes `cost` ms. @returns times of five frames in turn, ms */
function timesOf(cost: number): number[] {
  const times: number[] = [];
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS - (Date.now() % FRAME_MS)),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, cost),
  });
  const draw = () => {
    times.push(Date.now());
    // What comes next arrives after this was drawn.
    if (times.length < 5) setTimeout(() => frame(draw), cost);
  };
  frame(draw);
  vi.advanceTimersByTime(1000);
  return times;
}

it('a page that draws quickly draws in every frame', () => {
  expect(timesOf(2)).toEqual([16, 32, 48, 64, 80]);
});

it('a page that draws slowly rests in proportion', () => {
  // 6 ms, and 30 ms of rest.
  expect(timesOf(6)).toEqual([16, 64, 112, 160, 208]);
});

it('the rest is limited', () => {
  // 40 ms, and 50 instead of 200 ms.
  expect(timesOf(40)).toEqual([16, 112, 208, 304, 400]);
});

it('each callback is called once, also when several wait', () => {
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, 40),
  });
  const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()];
  frame(first);
  frame(second);
  vi.advanceTimersByTime(60);
  frame(third);
  vi.advanceTimersByTime(1000);
  for (const one of [first, second, third]) expect(one).toHaveBeenCalledOnce();
});
