import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../hosts/node/node-platform.ts';
import { EngineError } from '../api/errors.ts';
import type { Gpu, GpuAdapter, GpuAdapterInfo, GpuDevice } from '../api/gpu.ts';
import type { Clock, Measurements } from '../api/platform.ts';
import { InferenceEngine } from '../index.ts';
import { imaginedGpu } from '../test-support/imagined-gpu.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { testPlatform } from '../test-support/scripted-model.ts';
import { tinyGgufFiles } from '../test-support/tiny-gguf.ts';
import type { Executor } from './executor.ts';
import { findAdapter, knownChoice, measuredChoice, type ChoiceHost } from './executor-choice.ts';
import { HostLogits } from './logits.ts';
import { deviceLost } from './webgpu/device-watch.ts';

const RADEON: GpuAdapterInfo = { vendor: 'amd', architecture: 'rdna-3', device: '', description: 'Radeon' };
const MODEL = { key: 'model', layers: 20 };

function gpuWith(info: Partial<GpuAdapterInfo> | null, change: Partial<GpuDevice> = {}): Gpu {
  const { device } = imaginedGpu();
  const adapter = {
    info: { ...RADEON, ...info },
    limits: device.limits,
    requestDevice: async () => ({ ...device, ...change }),
  };
  return { requestAdapter: () => Promise.resolve(info === null ? null : adapter) };
}

function memory(): Measurements & { stored: Map<string, readonly number[]> } {
  const stored = new Map<string, readonly number[]>();
  return {
    stored,
    get: (key) => Promise.resolve(stored.get(key)),
    set: async (key, numbers) => void stored.set(key, numbers),
  };
}

const known = async (host: ChoiceHost, model = MODEL) => knownChoice(host, model, await findAdapter(host));

describe('the choice of the executor', () => {
  const platform = testPlatform();
  /** Takes `ms` for a token. */
  const executor = (ms: number): Executor & { runs: number; disposed: boolean } => {
    const fake = {
      runs: 0,
      disposed: false,
      run: () => {
        fake.runs++;
        platform.clock.time += ms;
        return Promise.resolve({ logits: [new HostLogits(Float32Array.of(1, 2))], taps: new Map() });
      },
      dispose: async () => void (fake.disposed = true),
    };
    return fake as unknown as Executor & typeof fake;
  };

  it.each([
    ['there is none', gpuWith(null), 'No GPU was found.'],
    [
      'it is a software renderer',
      gpuWith({ description: 'SwiftShader Device' }),
      'The only GPU is a software renderer (SwiftShader Device).',
    ],
  ])('is the CPU if %s', async (_name, gpu, reason) => {
    const found = await known({ ...platform, openGpu: () => Promise.resolve(gpu) });
    expect(found).toEqual({ executor: 'wasm', reason });
  });

  it('is the CPU if WebGPU is not available', async () => {
    const openGpu = () => Promise.reject(new EngineError('BACKEND_LOST', 'not installed'));
    expect((await known({ ...platform, openGpu }))?.executor).toBe('wasm');
    expect((await known(platform))?.executor).toBe('wasm');
  });

  it.each([
    [40, 25, 'webgpu', '40\u00a0tok/s on the GPU, 25 on the CPU, measured'],
    [8, 25, 'wasm', '8.0\u00a0tok/s on the GPU, 25 on the CPU, measured'],
  ])('is the faster one: %i and %i tok/s', async (onGpu, onCpu, chosen, text) => {
    const measurements = memory();
    const host = { ...platform, measurements, openGpu: () => Promise.resolve(gpuWith({})) };
    expect(await known(host)).toBeNull();
    const [gpu, cpu] = [executor(1000 / onGpu), executor(1000 / onCpu)];
    const choice = await measuredChoice(host, MODEL, RADEON, cpu, () => Promise.resolve(gpu), 2000);
    expect(choice).toEqual({ executor: chosen, reason: `${text}.` });
    expect([gpu.disposed, cpu.disposed]).toEqual([true, false]);
    // Remembered for this model and adapter only.
    expect(await known(host)).toEqual({ executor: chosen, reason: `${text} earlier.` });
    expect(await known(host, { ...MODEL, key: 'another' })).toBeNull();
    const other = { ...host, openGpu: () => Promise.resolve(gpuWith({ description: 'Radeon, driver 2' })) };
    expect(await known(other)).toBeNull();
  });

  it('takes a tenth of the time of loading, or a few tokens', async () => {
    for (const [loadMs, most] of [
      [10_000, 1000],
      // Four tokens of each.
      [10, 240],
    ]) {
      const before = platform.clock.time;
      const [gpu, cpu] = [executor(20), executor(40)];
      await measuredChoice(platform, MODEL, RADEON, cpu, () => Promise.resolve(gpu), loadMs);
      expect(gpu.runs).toBeGreaterThanOrEqual(4);
      expect(platform.clock.time - before).toBeLessThanOrEqual(most);
    }
  });

  it('does not measure a GPU that cannot win', async () => {
    const never = () => Promise.reject(new Error('not asked'));
    const { executor: chosen, reason } = await measuredChoice(platform, MODEL, RADEON, executor(0.1), never, 100);
    expect(chosen).toBe('wasm');
    expect(reason).toBe('This model is small: 10,000\u00a0tok/s on the CPU, at most 667 on a GPU.');
  });

  it('is the CPU if the GPU cannot run the model', async () => {
    const full = () => Promise.reject(new EngineError('OUT_OF_MEMORY', 'It needs 8 GB.'));
    const choice = await measuredChoice(platform, MODEL, RADEON, executor(40), full, 100);
    expect(choice).toEqual({ executor: 'wasm', reason: 'The GPU cannot run this model. It needs 8 GB.' });
  });

  it('is the CPU until a person chooses the GPU, if the GPU is lost', async () => {
    const losses: EngineError[] = [];
    const onLost = (error: EngineError) => void losses.push(error);
    const reason = 'The GPU was lost: it did not answer for 30 s. To try it again, choose GPU.';
    const lost = deviceLost('it did not answer for 30 s');
    const hung = () => Promise.reject(lost);
    const choice = await measuredChoice(platform, MODEL, RADEON, executor(40), hung, 100, onLost);
    expect(choice).toEqual({ executor: 'wasm', reason });
    expect(await findAdapter({ ...platform, openGpu: hung }, onLost)).toBe(reason);
    expect(losses).toEqual([lost, lost]);
  });

  it('is not made when loading is cancelled', async () => {
    const cancelled = () => Promise.reject(new EngineError('CANCELLED', 'The request was cancelled.'));
    const choice = measuredChoice(platform, MODEL, RADEON, executor(40), cancelled, 100);
    await expect(choice).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a model that is loaded automatically', () => {
  const load = async (gpu: Gpu, measurements: Measurements, clock: Clock = nodePlatform().clock) => {
    const openGpu = () => Promise.resolve(gpu);
    const engine = new InferenceEngine({ ...nodePlatform(measurements), clock, openGpu });
    const info = await engine.load(await tinyGgufFiles('llama'), { executor: 'auto', threads: 1 });
    await engine.unload();
    return info;
  };
  /** Says that the GPU was faster. */
  const fast: Measurements = {
    get: (key) => Promise.resolve(key.startsWith('CPU or GPU') ? [5, 2] : undefined),
    set: () => Promise.resolve(),
  };

  it('is on the CPU if it is small', async () => {
    // Time passes slower, so that the CPU of a slow machine is fast, too. Slower still, trials would take seconds.
    const clock = { now: () => performance.now() / 10 };
    const info = await load(gpuWith({}), memory(), clock);
    expect(info).toMatchObject({ executor: 'wasm', choice: { executor: 'wasm' } });
    expect(info.choice?.reason).toMatch(/^This model is small/);
  });

  it('is on the GPU if that was faster before', async () => {
    const choice = { executor: 'webgpu', reason: '500\u00a0tok/s on the GPU, 200 on the CPU, measured earlier.' };
    expect(await load(gpuWith({}), fast)).toMatchObject({ executor: 'webgpu', adapter: { name: 'Radeon' }, choice });
  });

  it('is on the GPU if that is faster with empty weights', async () => {
    // Until there is a device, time passes faster, which makes the CPU slow.
    let [last, time, factor] = [performance.now(), 0, 100];
    const now = () => {
      const present = performance.now();
      time += factor * (present - last);
      last = present;
      return time;
    };
    let destroyed = 0;
    const adapter = await gpuWith({}, { destroy: () => void destroyed++ }).requestAdapter();
    const requestDevice: GpuAdapter['requestDevice'] = (descriptor) => {
      factor = 1;
      return adapter!.requestDevice(descriptor);
    };
    const gpu: Gpu = { requestAdapter: () => Promise.resolve({ ...adapter!, requestDevice }) };
    const host = { ...nodePlatform(memory()), clock: { now }, openGpu: () => Promise.resolve(gpu) };
    const engine = new InferenceEngine(host);
    // Its vocabulary is so large that only the best logits are read.
    const info = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor: 'auto', threads: 1 });
    expect(info).toMatchObject({ executor: 'webgpu', choice: { executor: 'webgpu' } });
    expect(info.choice?.reason).toMatch(/^[\d.,]+\stok\/s on the GPU, [\d.,]+ on the CPU, measured\.$/);
    // The one that was measured.
    expect(destroyed).toBe(1);
    await engine.unload();
  });

  it('is on the CPU if the GPU has too little memory', async () => {
    const full = gpuWith({}, { popErrorScope: () => Promise.resolve({ message: 'full' }) });
    const info = await load(full, fast);
    expect(info).toMatchObject({ executor: 'wasm', choice: { executor: 'wasm' } });
    expect(info.choice?.reason).toMatch(/^The GPU cannot run this model\. The GPU is out of memory/);
  });

  it('is on the GPU if it does not fit in memory on the CPU', async () => {
    const load = async (gpu: Gpu) => {
      const host = { ...nodePlatform(memory()), memoryBytes: 1000, openGpu: () => Promise.resolve(gpu) };
      return new InferenceEngine(host).load(await tinyGgufFiles('llama'), { executor: 'auto', threads: 1 });
    };
    const choice = { executor: 'webgpu', reason: 'This model does not fit in memory on the CPU.' };
    expect(await load(gpuWith({}))).toMatchObject({ executor: 'webgpu', choice });
    await expect(load(gpuWith(null))).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  });

  it('has no choice if the executor is requested', async () => {
    const engine = new InferenceEngine(nodePlatform());
    const info = await engine.load(await tinyGgufFiles('llama'), { executor: 'wasm', threads: 1 });
    expect(info).not.toHaveProperty('choice');
    await engine.unload();
  });
});
