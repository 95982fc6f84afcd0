import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GpuDevice } from '../../api/gpu.ts';
import { DeviceWatch, whileOpening } from './device-watch.ts';

type Fault = { readonly message: string } | null;

/** A device that only has what the watch uses. */
function fakeDevice(faults: Fault[] = []) {
  let lose: (reason: { reason: string; message: string }) => void = () => undefined;
  const scopes: string[] = [];
  const device = {
    lost: new Promise<{ reason: string; message: string }>((resolve) => (lose = resolve)),
    queue: { submit: () => undefined },
    pushErrorScope: (filter: string) => void scopes.push(filter),
    popErrorScope: () => {
      expect(scopes.pop()).toBeDefined();
      return Promise.resolve(faults.shift() ?? null);
    },
    destroy: () => lose({ reason: 'destroyed', message: 'destroyed' }),
  } as unknown as GpuDevice;
  return { device, lose: (message: string) => lose({ reason: 'unknown', message }), scopes };
}

const LOST = { code: 'BACKEND_LOST' };

describe('DeviceWatch', () => {
  it('lets commands and work pass', async () => {
    const { device, scopes } = fakeDevice();
    const watch = new DeviceWatch(device, 1000);
    await watch.submit({});
    expect(scopes).toEqual([]);
    expect(await watch.during(() => Promise.resolve(7))).toBe(7);
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const own = expect(watch.during(() => Promise.reject(new RangeError('own')))).rejects.toThrow('own');
    await vi.advanceTimersByTimeAsync(10_000);
    await own;
    expect(watch.reason).toBeNull();
  });

  it.each(['validation', 'out of memory'])('gives up after an error of %s', async (message) => {
    const { device } = fakeDevice([null, { message }]);
    const watch = new DeviceWatch(device, 1000);
    await expect(watch.submit({})).rejects.toMatchObject({ ...LOST, details: { reason: message } });
    expect(() => watch.check()).toThrow(message);
  });

  it.each([20, 9000])('gives the reason of a loss when something can no longer be done, %d ms later', async (ms) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { device, lose } = fakeDevice();
    const watch = new DeviceWatch(device, 1000);
    const work = watch.during(() => {
      setTimeout(() => lose('the driver was updated'), ms);
      return Promise.reject(new DOMException('unmapped', 'AbortError'));
    });
    const failed = expect(work).rejects.toMatchObject({ ...LOST, details: { reason: 'the driver was updated' } });
    await vi.advanceTimersByTimeAsync(ms);
    await failed;
    expect(watch.reason).toBe('the driver was updated');
  });

  it('gives up a device that does not answer', async () => {
    const { device } = fakeDevice();
    const watch = new DeviceWatch(device, 30);
    await expect(watch.during(() => new Promise(() => undefined))).rejects.toMatchObject(LOST);
    expect(watch.reason).toBe('it did not answer for 0.03 s');
  });

  it('waits for work as long as other work is done', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const watch = new DeviceWatch(fakeDevice().device, 30);
    const work = (ms: number) => watch.during(() => new Promise((resolve) => setTimeout(() => resolve(ms), ms)));
    const steps = Promise.all([20, 40, 60, 80].map(work));
    await vi.advanceTimersByTimeAsync(80);
    expect(await steps).toEqual([20, 40, 60, 80]);
    const hung = expect(work(100)).rejects.toMatchObject(LOST);
    await vi.advanceTimersByTimeAsync(30);
    await hung;
  });

  it('does not wait for a device when it is cancelled', async () => {
    const watch = new DeviceWatch(fakeDevice().device, null);
    const cancel = { cancelled: false };
    const work = watch.during(() => new Promise(() => undefined), cancel);
    cancel.cancelled = true;
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(watch.reason).toBeNull();
  });

  it('waits for a software renderer', async () => {
    const watch = new DeviceWatch(fakeDevice().device, null);
    const slow = () => new Promise<number>((resolve) => setTimeout(() => resolve(3), 50));
    expect(await watch.during(slow)).toBe(3);
  });
});

describe('opening a GPU', () => {
  it('does not wait for a driver that never answers', async () => {
    expect(await whileOpening(Promise.resolve(3), 1000)).toBe(3);
    await expect(whileOpening(new Promise(() => undefined), 20)).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: 'The GPU did not answer for 0.02 s.',
      details: { reason: 'it did not answer for 0.02 s' },
    });
  });
});
