import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pacedFrames } from './paced-frames.ts';

const FRAME_MS = 16;

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/**
 * Frames at multiples of `FRAME_MS`, each of which takes `cost` ms and draws `share` of what streams in.
 * @returns times of five frames in turn, ms
 */
function timesOf(cost: number, share = 1): number[] {
  const times: number[] = [];
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS - (Date.now() % FRAME_MS)),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, cost),
  });
  const draw = () => {
    times.push(Date.now());
    // What comes next arrives after this was drawn.
    if (times.length < 5) setTimeout(() => frame(draw, false, share), cost);
  };
  frame(draw, false, share);
  vi.advanceTimersByTime(1000);
  return times;
}

it('a page that draws quickly draws in every frame', () => {
  expect(timesOf(1)).toEqual([16, 32, 48, 64, 80]);
});

it('a page that draws slowly rests in proportion', () => {
  // 3 ms, and 36 ms of rest.
  expect(timesOf(3)).toEqual([16, 64, 112, 160, 208]);
});

it('the rest is limited', () => {
  // 40 ms, and 80 instead of 480 ms.
  expect(timesOf(40)).toEqual([16, 144, 272, 400, 528]);
});

it.each([
  // 40 ms, and 60 ms of rest,
  [0.75, [16, 128, 240, 352, 464]],
  // or 40 ms.
  [0.5, [16, 112, 208, 304, 400]],
  [0.1, [16, 112, 208, 304, 400]],
])('after a part of what streams in, %f, the rest is shorter, but at least half', (share, times) => {
  expect(timesOf(40, share)).toEqual(times);
});

it('a frame that is asked for in another one comes after its rest, too', () => {
  const times: number[] = [];
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS - (Date.now() % FRAME_MS)),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, 40),
  });
  const draw = () => {
    times.push(Date.now());
    if (times.length < 3) frame(draw);
  };
  frame(draw);
  vi.advanceTimersByTime(1000);
  expect(times).toEqual([16, 144, 272]);
});

it('an urgent frame is the next one, while another one waits for its rest', () => {
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS - (Date.now() % FRAME_MS)),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, 40),
  });
  const times: Record<string, number> = {};
  const noting = (name: string) => () => void (times[name] = Date.now());
  frame(noting('first'));
  vi.advanceTimersByTime(60);
  frame(noting('paced'));
  frame(noting('urgent'), true);
  vi.advanceTimersByTime(1000);
  // The first one takes 40 ms, and 80 ms of rest.
  expect(times).toEqual({ first: 16, urgent: 64, paced: 144 });
});

it('an urgent frame that is asked for in another one does not wait for its rest, and makes no other one rest', () => {
  const frame = pacedFrames({
    frame: (callback) => void setTimeout(callback, FRAME_MS - (Date.now() % FRAME_MS)),
    now: () => Date.now(),
    drawn: (callback) => void setTimeout(callback, 40),
  });
  const times: number[] = [];
  const note = () => void times.push(Date.now());
  frame(() => frame(note, true));
  vi.advanceTimersByTime(200);
  frame(note, true);
  vi.advanceTimersByTime(FRAME_MS);
  frame(note);
  vi.advanceTimersByTime(FRAME_MS);
  expect(times).toEqual([32, 208, 224]);
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
