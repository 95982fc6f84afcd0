import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UNANSWERED_MS } from '../../../lib/engine-watch.ts';
import { memoryStorage } from '../test-support/fakes.ts';
import { AutomaticRequests } from './automatic-requests.ts';

const never = () => new Promise<never>(() => undefined);
const { signal } = new AbortController();
const LATE_MS = 2 * UNANSWERED_MS;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('gives the engine no second time what it did not answer, after a restart of the app either', async () => {
  const storage = memoryStorage();
  void new AutomaticRequests(storage, () => false).run({ source: 'a' }, signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const work = vi.fn(() => Promise.resolve(1));
  const automatic = new AutomaticRequests(storage, () => true);
  await expect(automatic.run({ source: 'a' }, signal, work)).rejects.toMatchObject({ details: { unanswered: true } });
  expect(work).not.toHaveBeenCalled();
  expect(await automatic.run({ source: 'b' }, signal, work)).toBe(1);
  automatic.allow({ source: 'a' });
  expect(await automatic.run({ source: 'a' }, signal, work)).toBe(1);
});

it('holds nothing against work that is late while the engine answers, or that it answers after all', async () => {
  const automatic = new AutomaticRequests(memoryStorage(), () => responds);
  let responds = true;
  void automatic.run('waits', signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  responds = false;
  let answer: (value: number) => void = () => undefined;
  const slow = automatic.run('slow', signal, () => new Promise<number>((resolve) => (answer = resolve)));
  await vi.advanceTimersByTimeAsync(LATE_MS);
  await expect(automatic.run('slow', signal, never)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  answer(2);
  expect(await slow).toBe(2);
  const quick = () => Promise.resolve(3);
  expect(await automatic.run('waits', signal, quick)).toBe(3);
  expect(await automatic.run('slow', signal, quick)).toBe(3);
});

it('remembers while the page is open where the browser stores nothing', async () => {
  const automatic = new AutomaticRequests(null, () => false);
  void automatic.run('a', signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const quick = () => Promise.resolve('run');
  await expect(automatic.run('a', signal, quick)).rejects.toThrow('did not respond');
  automatic.allow('a');
  expect(await automatic.run('a', signal, quick)).toBe('run');
});

it('remembers the latest twenty', async () => {
  const automatic = new AutomaticRequests(memoryStorage(), () => false);
  for (let i = 0; i <= 20; i++) void automatic.run(i, signal, never);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const quick = () => Promise.resolve('run');
  expect(await automatic.run(0, signal, quick)).toBe('run');
  await expect(automatic.run(1, signal, quick)).rejects.toThrow('did not respond');
  await expect(automatic.run(20, signal, quick)).rejects.toThrow('did not respond');
});
