/** Models that follow each other on a GPU, which computes nothing. */
import { describe, expect, it } from 'vitest';
import type { Gpu, GpuDevice } from './api/gpu.ts';
import type { Measurements } from './api/platform.ts';
import { InferenceEngine, type LoadOptions, type LoadProgress } from './index.ts';
import { imaginedGpu } from './test-support/imagined-gpu.ts';
import { kernelPlatform } from './test-support/tiny-engine.ts';
import { tinyGgufFiles } from './test-support/tiny-gguf.ts';

/** Says that the GPU was faster. */
const FAST: Measurements = {
  get: (key) => Promise.resolve(key.startsWith('CPU or GPU') ? [5, 2] : undefined),
  set: () => Promise.resolve(),
};

interface Options {
  /** Whether there is memory for one model only. */
  readonly isFull?: boolean;
  /** Changes to a device, which are numbered from 1. */
  readonly change?: (number: number) => Partial<GpuDevice>;
}

async function setUp({ isFull = false, change = () => ({}) }: Options = {}) {
  const { device, adapter } = imaginedGpu();
  /** Which device was opened, first written to, or destroyed. */
  const log: string[] = [];
  const note = (text: string) => void (log.includes(text) || log.push(text));
  const count = (what: string) => log.filter((text) => text.startsWith(what)).length;
  const requestDevice = (): Promise<GpuDevice> => {
    const number = count('open') + 1;
    note(`open ${number}`);
    return Promise.resolve({
      ...device,
      queue: { ...device.queue, writeBuffer: () => note(`write ${number}`) },
      popErrorScope: () => Promise.resolve(isFull && count('destroy') < number - 1 ? { message: 'full' } : null),
      destroy: () => note(`destroy ${number}`),
      ...change(number),
    });
  };
  const gpu: Gpu = {
    requestAdapter: () => Promise.resolve({ info: adapter, limits: device.limits, requestDevice }),
  };
  const engine = new InferenceEngine({
    ...kernelPlatform(),
    measurements: FAST,
    openGpu: () => Promise.resolve(gpu),
  });
  const files = await tinyGgufFiles('llama');
  const load = (contextSize: number, options: LoadOptions = {}) =>
    engine.load(files, { executor: 'webgpu', contextSize, threads: 1, ...options });
  return { engine, load, log };
}

describe('a model on a GPU without memory for two', () => {
  it.each(['auto', 'webgpu'] as const)('makes way for the next one: %s', async (executor) => {
    const { engine, load, log } = await setUp({ isFull: true });
    await load(40, { executor });
    expect(await load(50, { executor })).toMatchObject({ executor: 'webgpu', contextSize: 50 });
    // The second one was opened in vain.
    expect(log).toEqual(['open 1', 'write 1', 'open 2', 'destroy 2', 'destroy 1', 'open 3', 'write 3']);
    await engine.unload();
  });

  it('makes way even if it was to be kept', async () => {
    const { engine, load, log } = await setUp({ isFull: true });
    await load(40);
    expect(await load(50, { keepLoaded: true })).toMatchObject({ executor: 'webgpu', contextSize: 50 });
    expect(log).toContain('destroy 1');
    await engine.unload();
  });

  it('is loaded again if the next one is not', async () => {
    const { engine, load } = await setUp({ isFull: true });
    const { choice } = await load(40, { executor: 'auto' });
    const cancel = { cancelled: false };
    const onProgress = ({ phase }: LoadProgress) => {
      if (phase === 'weights') cancel.cancelled = true;
    };
    await expect(load(50, { executor: 'auto', cancel, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(engine.model).toMatchObject({ executor: 'webgpu', contextSize: 40, choice });
    await engine.unload();
  });
});

describe('a model on a GPU with memory for two', () => {
  it('is gone before the weights of the next one are there', async () => {
    const { engine, load, log } = await setUp();
    await load(40);
    await load(50);
    expect(log).toEqual(['open 1', 'write 1', 'open 2', 'destroy 1', 'write 2']);
    await engine.unload();
  });

  it('stays if it is to be kept', async () => {
    const { engine, load, log } = await setUp();
    await load(40);
    await load(50, { keepLoaded: true });
    expect(log).not.toContain('destroy 1');
    await engine.unload();
  });

  it('stays if a buffer of the next one is larger than the GPU allows', async () => {
    const limits = { ...imaginedGpu().device.limits, maxBufferSize: 1000, maxStorageBufferBindingSize: 1000 };
    const { engine, load, log } = await setUp({ change: (number) => (number > 1 ? { limits } : {}) });
    await load(40);
    await expect(load(50)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', details: { limit: 1000 } });
    expect(log).not.toContain('destroy 1');
    expect(engine.model).toMatchObject({ executor: 'webgpu', contextSize: 40 });
    await engine.unload();
  });
});

describe('a GPU that is lost while a model is loaded on it', () => {
  /** The second device, or each. */
  const losing = (first: number): Options => ({
    change: (number) =>
      number < first
        ? {}
        : {
            lost: Promise.resolve({ reason: 'unknown', message: 'The driver was reset.' }),
            createComputePipelineAsync: () => Promise.reject(new Error('No device.')),
          },
  });
  const REASON = 'The GPU was lost: The driver was reset. To try it again, choose GPU.';
  const onCpu = { executor: 'wasm', choice: { executor: 'wasm', reason: REASON } };

  it('leaves the model before on the CPU', async () => {
    const { engine, load, log } = await setUp(losing(2));
    await load(40);
    await expect(load(50)).rejects.toMatchObject({ code: 'BACKEND_LOST', details: { gpu: true } });
    expect(engine.model).toMatchObject({ ...onCpu, contextSize: 40 });
    // It is avoided until a person chooses it again.
    expect(await load(50, { executor: 'auto' })).toMatchObject({ ...onCpu, contextSize: 50 });
    expect(log).not.toContain('open 3');
    await engine.unload();
  });

  it('automatically is not tried at the next load', async () => {
    const { engine, load, log } = await setUp(losing(1));
    expect(await load(40, { executor: 'auto' })).toMatchObject(onCpu);
    expect(await load(50, { executor: 'auto' })).toMatchObject(onCpu);
    expect(log).not.toContain('open 2');
    await engine.unload();
  });
});
