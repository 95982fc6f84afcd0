import { expect, it } from 'vitest';
import { Rooms } from './rooms.ts';

it('gives the same bytes again once they were given back, and others until then', () => {
  const rooms = new Rooms();
  const first = rooms.take(10);
  const second = rooms.take(4);
  expect([first.length, second.length]).toEqual([10, 4]);
  expect(second.buffer).not.toBe(first.buffer);
  rooms.give(first);
  const shorter = rooms.take(6);
  expect(shorter).toHaveLength(6);
  expect(shorter.buffer).toBe(first.buffer);
  rooms.give(shorter);
  // As long as it was, though less of it was taken.
  expect(rooms.take(9).buffer).toBe(first.buffer);
  rooms.give(second);
  expect(rooms.take(5).buffer).not.toBe(second.buffer);
});
