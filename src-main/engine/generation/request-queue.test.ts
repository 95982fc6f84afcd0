import { expect, it } from 'vitest';
import { RequestQueue } from './request-queue.ts';

/** A cancel token that calls its listeners. */
function cancelToken() {
  let listener: () => void = () => undefined;
  const token = {
    cancelled: false,
    onCancel(heard: () => void) {
      listener = heard;
      return () => (listener = () => undefined);
    },
    cancel() {
      token.cancelled = true;
      listener();
    },
  };
  return token;
}

const settled = async () => await new Promise((resolve) => setTimeout(resolve));

it('runs one request at a time, first come first served', async () => {
  const queue = new RequestQueue();
  const order: string[] = [];
  const first = await queue.enter();
  const second = queue.run(async () => void order.push('second'));
  const third = queue.run(async () => void order.push('third'));
  await settled();
  expect(order).toEqual([]);
  expect(queue.busy).toBe(true);
  first();
  await Promise.all([second, third]);
  expect(order).toEqual(['second', 'third']);
  expect(queue.busy).toBe(false);
});

it('stops waiting as soon as it is cancelled, and later requests keep their order', async () => {
  const queue = new RequestQueue();
  const order: string[] = [];
  const leave = await queue.enter();
  const cancel = cancelToken();
  const waiting = queue.run(async () => void order.push('cancelled'), cancel);
  const behind = queue.run(async () => void order.push('behind'));
  cancel.cancel();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await settled();
  expect(order).toEqual([]);
  leave();
  await behind;
  expect(order).toEqual(['behind']);
  expect(queue.busy).toBe(false);
});

it('skips a request that was cancelled before, without a notification', async () => {
  const queue = new RequestQueue();
  const leave = await queue.enter();
  const cancel = { cancelled: false };
  const waiting = queue.enter(cancel);
  cancel.cancelled = true;
  leave();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(queue.busy).toBe(false);
});

it('serves the next request after a failure', async () => {
  const queue = new RequestQueue();
  await expect(queue.run(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  expect(await queue.run(() => Promise.resolve(1))).toBe(1);
});
