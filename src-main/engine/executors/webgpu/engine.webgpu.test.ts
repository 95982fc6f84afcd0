import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { defaultGenerateParams, InferenceEngine } from '../../index.ts';
import type { Gpu, GpuDevice } from '../../api/gpu.ts';
import type { ExecutorName, GenerateEvent } from '../../api/types.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { gpuInFullRun } from '../../test-support/gpu.ts';

const gpu = await gpuInFullRun();

/** A GPU that also lists the devices that it gives. */
function recording(gpu: Gpu, devices: GpuDevice[]): Gpu {
  return {
    async requestAdapter(options) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      const { info, limits } = adapter;
      const requestDevice: typeof adapter.requestDevice = async (descriptor) => {
        const device = await adapter.requestDevice(descriptor);
        devices.push(device);
        return device;
      };
      return { info, limits, requestDevice };
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
    { timeout: 120_000 },
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
    'ends a reply when the device is lost, and loads the model again (in the full run, with an adapter)',
    { timeout: 240_000 },
    async () => {
      const devices: GpuDevice[] = [];
      const openGpu = () => Promise.resolve(recording(gpu!, devices));
      const engine = new InferenceEngine({ ...nodePlatform(), openGpu });
      const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
      await engine.load(files, { executor: 'webgpu' });
      const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
      params.sampling.temperature = 0;
      params.stop.maxTokens = 40;
      const whole = await textOf(engine.generate(params));
      const lost: GenerateEvent[] = [];
      for await (const event of engine.generate(params)) {
        if (lost.push(event) === 8) devices[0].destroy();
      }
      expect(lost.at(-1)).toMatchObject({ type: 'end', stop: { reason: 'error', error: { code: 'BACKEND_LOST' } } });
      expect(engine.model).toBeNull();
      // On the CPU, from the same tokens.
      await engine.load(files, { executor: 'wasm' });
      expect(await textOf(engine.generate(params))).toBe(whole);
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
