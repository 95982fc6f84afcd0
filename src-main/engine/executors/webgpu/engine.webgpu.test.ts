import { describe, expect, it } from 'vitest';
import { formatProfile } from '../../../hosts/node/cli/format/profile.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { defaultGenerateParams, InferenceEngine } from '../../index.ts';
import type { Gpu, GpuDevice } from '../../api/gpu.ts';
import type { ExecutorName, GenerateEvent } from '../../api/types.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { gpuInFullRun } from '../../test-support/gpu.ts';

const gpu = await gpuInFullRun();

/** A device whose error scopes can report missing memory on request. */
class FaultyDevice {
  private readonly faults: { message: string }[] = [];
  readonly device: GpuDevice;

  constructor(readonly own: GpuDevice) {
    const popErrorScope: GpuDevice['popErrorScope'] = async () =>
      (await own.popErrorScope()) ?? this.faults.shift() ?? null;
    this.device = new Proxy(own, {
      get(target, name) {
        if (name === 'popErrorScope') return popErrorScope;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  fail(fault: 'lost' | 'out of memory'): void {
    if (fault === 'lost') this.own.destroy();
    else this.faults.push({ message: 'Out of memory' });
  }
}

/** A GPU that also lists the devices that it gives. */
function recording(gpu: Gpu, devices: FaultyDevice[]): Gpu {
  return {
    async requestAdapter(options) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      const { info, limits, features } = adapter;
      const requestDevice: typeof adapter.requestDevice = async (descriptor) => {
        const faulty = new FaultyDevice(await adapter.requestDevice(descriptor));
        devices.push(faulty);
        return faulty.device;
      };
      return { info, limits, ...(features && { features }), requestDevice };
    },
  };
}

async function textOf(events: AsyncIterable<GenerateEvent>): Promise<string | null> {
  let text: string | null = null;
  for await (const event of events) if (event.type === 'end') text = event.text;
  return text;
}

describe('the engine on the webgpu executor', () => {
  it.skipIf(gpu === null)(
    'generates what the reference generates (in the full run, with an adapter)',
    { timeout: 400_000 },
    async () => {
      const replies: Record<string, string> = {};
      for (const executor of ['reference', 'webgpu'] satisfies ExecutorName[]) {
        const engine = new InferenceEngine(nodePlatform());
        const info = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor });
        expect(info.executor).toBe(executor);
        expect(info.memoryBytes.weights).toBeGreaterThanOrEqual(4 * info.parameters);
        const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
        params.sampling.temperature = 0;
        params.stop.maxTokens = 40;
        const events: GenerateEvent[] = [];
        for await (const event of engine.generate(params)) events.push(event);
        expect(events[0]).toMatchObject({ type: 'start', executor });
        const end = events.at(-1);
        replies[executor] = end?.type === 'end' ? end.text : '';
        await engine.unload();
      }
      expect(replies.webgpu.length).toBeGreaterThan(20);
      expect(replies.webgpu).toBe(replies.reference);
    },
  );

  it.skipIf(gpu === null)(
    'profiles prefill and decoding (in the full run, with an adapter)',
    { timeout: 400_000 },
    async () => {
      const engine = new InferenceEngine(nodePlatform());
      await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor: 'webgpu' });
      const profile = await engine.profile({ prompt: 20, context: 4, generate: 3 });
      for (const { threads, ms, ops } of [profile.prefill, profile.decode]) {
        expect(threads).toBeNull();
        const measured = ops.reduce((sum, op) => sum + op.ms, 0);
        expect(measured).toBeGreaterThan(0);
        expect(measured).toBeLessThanOrEqual(ms);
      }
      expect(profile.decode.tokens).toBe(3);
      expect(formatProfile({ ...profile, ceilings: [] })).toMatch(/decoding 3 tokens, [\d.]+ ms on the GPU\n/);
      await engine.unload();
    },
  );

  it.skipIf(gpu === null).each(['lost', 'out of memory'] as const)(
    'continues a reply on the CPU when the device is %s, and tries it again when asked (in the full run, with an adapter)',
    { timeout: 400_000 },
    async (fault) => {
      const devices: FaultyDevice[] = [];
      const openGpu = () => Promise.resolve(recording(gpu!, devices));
      const engine = new InferenceEngine({ ...nodePlatform(), openGpu });
      const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
      const onGpu = await engine.load(files, { executor: 'webgpu' });
      expect(onGpu.adapter).toMatchObject({ name: expect.stringMatching(/./) as string });
      const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
      params.sampling.temperature = 0;
      params.stop.maxTokens = 40;
      const whole = await textOf(engine.generate(params));
      const events: GenerateEvent[] = [];
      for await (const event of engine.generate(params)) {
        if (events.push(event) === 8) devices[0].fail(fault);
      }
      const [moved, ...others] = events.filter((event) => event.type === 'moved');
      expect(moved).toMatchObject({ model: { id: onGpu.id, executor: 'wasm', contextSize: onGpu.contextSize } });
      expect(others).toEqual([]);
      expect(events.at(-1)).toMatchObject({ type: 'end', text: whole, stop: { reason: 'max_tokens' } });
      expect(engine.model).toMatchObject({ executor: 'wasm' });
      expect(await textOf(engine.generate(params))).toBe(whole);
      expect(devices).toHaveLength(1);
      await engine.load(files, { executor: 'webgpu' });
      expect(devices).toHaveLength(2);
      expect(await textOf(engine.generate(params))).toBe(whole);
      await engine.unload();
    },
  );

  it('reports that a host has no GPU', async () => {
    const { openGpu, ...platform } = nodePlatform();
    expect(openGpu).toBeDefined();
    const loading = new InferenceEngine(platform).load(await nodeModelFiles(TINY_TRANSFORMER_DIR), {
      executor: 'webgpu',
    });
    await expect(loading).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });
});
