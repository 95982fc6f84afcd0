import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UNANSWERED_MS } from '../../../lib/engine-watch.ts';
import { memoryStorage } from '../test-support/fakes.ts';
import { UnaskedWork } from './unasked-work.ts';

const never = () => new Promise<never>(() => undefined);
const { signal } = new AbortController();
const LATE_MS = 2 * UNANSWERED_MS;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('gives the engine no second time what it did not answer, after a restart of the app either', async () => {
  const storage = memoryStorage();
  void new UnaskedWork(storage, () => false).run({ source: 'a' }, signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const work = vi.fn(() => Promise.resolve(1));
  const unasked = new UnaskedWork(storage, () => true);
  await expect(unasked.run({ source: 'a' }, signal, work)).rejects.toMatchObject({ details: { unanswered: true } });
  expect(work).not.toHaveBeenCalled();
  expect(await unasked.run({ source: 'b' }, signal, work)).toBe(1);
  unasked.forget({ source: 'a' });
  expect(await unasked.run({ source: 'a' }, signal, work)).toBe(1);
});

it('holds nothing against work that is late while the engine answers, or that it answers after all', async () => {
  const unasked = new UnaskedWork(memoryStorage(), () => responds);
  let responds = true;
  void unasked.run('waits', signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  responds = false;
  let answer: (value: number) => void = () => undefined;
  const slow = unasked.run('slow', signal, () => new Promise<number>((resolve) => (answer = resolve)));
  await vi.advanceTimersByTimeAsync(LATE_MS);
  await expect(unasked.run('slow', signal, never)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  answer(2);
  expect(await slow).toBe(2);
  const quick = () => Promise.resolve(3);
  expect(await unasked.run('waits', signal, quick)).toBe(3);
  expect(await unasked.run('slow', signal, quick)).toBe(3);
});

it('remembers the latest twenty', async () => {
  const unasked = new UnaskedWork(memoryStorage(), () => false);
  for (let i = 0; i <= 20; i++) void unasked.run(i, signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const quick = () => Promise.resolve('run');
  expect(await unasked.run(0, signal, quick)).toBe('run');
  await expect(unasked.run(1, signal, quick)).rejects.toThrow('did not answer');
  await expect(unasked.run(20, signal, quick)).rejects.toThrow('did not answer');
});
