import { expect, it, onTestFinished, vi } from 'vitest';
import type { Gpu, GpuDevice } from '../../api/gpu.ts';
import { imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { adapterFacts, openDevice } from './device.ts';
import { HANG_MS } from './device-watch.ts';

const NOTHING = { vendor: '', architecture: '', device: '', description: '' };

it.each([
  // Chromium without and with its developer features, Dawn, Firefox, a browser that reveals nothing.
  [{ vendor: 'nvidia', architecture: 'ampere' }, 'nvidia ampere', false],
  [{ vendor: 'nvidia', architecture: 'ampere', device: '0x2504', description: 'RTX 3060' }, 'RTX 3060', false],
  [{ vendor: 'google', architecture: 'swiftshader' }, 'SwiftShader', true],
  [{ description: 'llvmpipe (LLVM 19.1.7, 256 bits)' }, 'llvmpipe (LLVM 19.1.7, 256 bits)', true],
  [{ description: 'Microsoft Basic Render Driver' }, 'Microsoft Basic Render Driver', true],
  [{ vendor: 'apple', isFallbackAdapter: true }, 'apple', true],
  [{}, 'GPU', false],
])('an adapter that says %o', (info, name, isSoftware) => {
  expect(adapterFacts({ ...NOTHING, ...info })).toEqual({ name, isSoftware });
});

it('says that a GPU hangs that gives no device, and why another one gives none', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { device, adapter } = imaginedGpu();
  const gpuWith = (requestDevice: () => Promise<GpuDevice>): Gpu => ({
    requestAdapter: () => Promise.resolve({ info: adapter, limits: device.limits, requestDevice }),
  });
  const hung = expect(openDevice(gpuWith(() => new Promise(() => undefined)))).rejects.toMatchObject({
    message: 'The GPU did not answer for 30 s.',
    details: { reason: 'it did not answer for 30 s' },
  });
  await vi.advanceTimersByTimeAsync(HANG_MS);
  await hung;
  await expect(openDevice(gpuWith(() => Promise.reject(new Error('no memory'))))).rejects.toMatchObject({
    message: 'The graphics adapter gave no device: no memory',
  });
});
