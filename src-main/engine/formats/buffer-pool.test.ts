import { expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

it('reuses a buffer only after it was given back', () => {
  const pool = new BufferPool();
  const first = pool.take(10);
  const second = pool.take(4);
  expect([first.length, second.length]).toEqual([10, 4]);
  expect(second.buffer).not.toBe(first.buffer);
  pool.give(first);
  const shorter = pool.take(6);
  expect(shorter).toHaveLength(6);
  expect(shorter.buffer).toBe(first.buffer);
  pool.give(shorter);
  // Keeps its full length, though less of it was taken.
  expect(pool.take(9).buffer).toBe(first.buffer);
  pool.give(second);
  expect(pool.take(5).buffer).not.toBe(second.buffer);
});
