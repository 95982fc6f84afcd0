import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { defaultGenerateParams, InferenceEngine } from '../../index.ts';
import type { ExecutorName, GenerateEvent } from '../../api/types.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { testGpu } from '../../test-support/gpu.ts';

const gpu = await testGpu();

describe('the engine on the webgpu executor', () => {
  it.skipIf(gpu === null)(
    'generates what the reference generates (needs an adapter)',
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

  it('reports that a host has no GPU', async () => {
    const { openGpu, ...platform } = nodePlatform();
    expect(openGpu).toBeDefined();
    const loading = new InferenceEngine(platform).load(await nodeModelFiles(TINY_TRANSFORMER_DIR), {
      executor: 'webgpu',
    });
    await expect(loading).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });
});
