import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { announcements } from './live-region.svelte.ts';
import { toasts } from './toasts.svelte.ts';

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (const { id } of [...toasts.list]) toasts.dismiss(id);
});

it('what is done goes by itself, a notice stays until it is dismissed', async () => {
  const dismissed = vi.fn();
  toasts.show({ text: 'Chat deleted' });
  toasts.notice('A file was put aside.', dismissed);
  expect(toasts.list.map(({ kind }) => kind)).toEqual(['done', 'notice']);
  const { id } = toasts.list[1];
  // As when the pointer has been on it.
  toasts.pause(id, 'pointer');
  toasts.resume(id, 'pointer');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(toasts.list.map(({ text }) => text)).toEqual(['A file was put aside.']);
  expect(dismissed).not.toHaveBeenCalled();
  toasts.dismiss(id);
  expect(toasts.list).toEqual([]);
  expect(dismissed).toHaveBeenCalledOnce();
});

it('what is done stays while a dialog covers it, and for its whole time afterwards', async () => {
  toasts.show({ text: 'Chat deleted' });
  await vi.advanceTimersByTimeAsync(5000);
  const release = toasts.hold();
  const releaseInner = toasts.hold();
  toasts.show({ text: 'Preset saved' });
  await vi.advanceTimersByTimeAsync(60_000);
  releaseInner();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(toasts.list.map(({ text }) => text)).toEqual(['Chat deleted', 'Preset saved']);
  release();
  await vi.advanceTimersByTimeAsync(7000);
  expect(toasts.list).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1500);
  expect(toasts.list).toEqual([]);
});

it('what is done stays until neither the pointer nor the focus is on it', async () => {
  toasts.show({ text: 'Chat deleted' });
  const { id } = toasts.list[0];
  toasts.pause(id, 'focus');
  toasts.pause(id, 'pointer');
  toasts.resume(id, 'pointer');
  // A dialog that closes ends no other hold.
  toasts.hold()();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(toasts.list).toHaveLength(1);
  toasts.pause(id, 'pointer');
  toasts.resume(id, 'focus');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(toasts.list).toHaveLength(1);
  toasts.resume(id, 'pointer');
  await vi.advanceTimersByTimeAsync(7000);
  expect(toasts.list).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1500);
  expect(toasts.list).toEqual([]);
});

it('notices that come together are announced together', async () => {
  toasts.notice('First.');
  await vi.advanceTimersByTimeAsync(10);
  toasts.notice('Second.');
  await vi.advanceTimersByTimeAsync(100);
  expect(announcements.text).toContain('First. Second.');
  toasts.notice('Third.');
  await vi.advanceTimersByTimeAsync(100);
  expect(announcements.text).toBe('Third.');
});
