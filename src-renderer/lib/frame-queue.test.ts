import { describe, expect, it } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

/** A queue whose frames and clock the test controls. */
function controlled() {
  let now = 0;
  const frames: (() => void)[] = [];
  const done: string[] = [];
  const queue = new FrameQueue<string>(
    (callback) => void frames.push(callback),
    () => now,
  );
  const add = (key: string, order: number, ms: number) =>
    queue.add(key, order, () => {
      now += ms;
      done.push(key);
    });
  const frame = () => frames.splice(0).forEach((callback) => callback());
  return { queue, add, frame, frames, done };
}

describe('FrameQueue', () => {
  it('does what fits into a frame, in order, and the rest later', () => {
    const { add, frame, frames, done } = controlled();
    add('far', 9, 5);
    add('near', 1, 5);
    add('middle', 4, 5);
    expect(frames).toHaveLength(1);
    frame();
    expect(done).toEqual(['near', 'middle']);
    frame();
    expect(done).toEqual(['near', 'middle', 'far']);
    expect(frames).toHaveLength(0);
  });

  it('does one piece per frame, however long it takes', () => {
    const { add, frame, done } = controlled();
    add('a', 0, 50);
    add('b', 1, 50);
    frame();
    expect(done).toEqual(['a']);
    frame();
    expect(done).toEqual(['a', 'b']);
  });

  it('replaces work of the same key, and forgets what was deleted', () => {
    const { queue, add, frame, done } = controlled();
    add('a', 0, 1);
    add('b', 1, 1);
    add('a', 2, 1);
    queue.delete('b');
    frame();
    expect(done).toEqual(['a']);
  });
});
