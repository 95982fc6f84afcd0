import { describe, expect, it } from 'vitest';
import type { GpuAdapterInfo } from '../api/gpu.ts';
import { testPlatform } from '../test-support/scripted-model.ts';
import { knownChoice } from './executor-choice.ts';
import { GPU_QUIRKS, quirkOf } from './gpu-quirks.ts';

const info = (vendor: string, architecture = '', description = ''): GpuAdapterInfo => {
  return { vendor, architecture, device: '', description };
};

describe('known quirks', () => {
  it.each([
    ['Haswell', info('intel', 'gen-7'), /Intel GPUs of this age/],
    ['Broadwell', info('intel', 'gen-8'), /Intel GPUs of this age/],
    ['a driver that crashes', info('intel', 'xe', 'Intel Arc, D3D12 driver version 31.0.101.4824'), /Update it/],
    ['Adreno', info('qualcomm', 'adreno-6xx'), /Adreno/],
  ])('%s is not chosen automatically, and the reason has a link', async (_name, adapter, reason) => {
    const choice = await knownChoice(testPlatform(), { key: 'model', layers: 4 }, adapter);
    expect(choice?.executor).toBe('wasm');
    expect(choice?.reason).toMatch(reason);
    expect(choice?.reason).toContain(quirkOf(adapter)!.link);
  });

  it.each([
    info('intel', 'gen-9'),
    info('intel', 'xe', 'Intel Arc, D3D12 driver version 32.0.101.6078'),
    info('nvidia', 'ada'),
    info('apple', 'metal-3'),
  ])('none is known of $vendor $architecture', async (adapter) => {
    expect(quirkOf(adapter)).toBeNull();
    expect(await knownChoice(testPlatform(), { key: 'model', layers: 4 }, adapter)).toBeNull();
  });

  it('each have a sentence and a public report', () => {
    for (const { reason, link } of GPU_QUIRKS) {
      expect(reason).toMatch(/\.$/);
      expect(link).toMatch(/^https:\/\//);
    }
  });
});
