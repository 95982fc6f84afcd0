import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { defaultGenerateParams, InferenceEngine } from '../../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import type { ExecutorName, GenerateEvent } from '../../api/types.ts';

describe('the engine on the wasm executor', () => {
  it('generates what the reference generates, and names its executor', async () => {
    const replies: Record<string, string> = {};
    for (const executor of ['reference', 'wasm'] satisfies ExecutorName[]) {
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
    expect(replies.wasm.length).toBeGreaterThan(20);
    expect(replies.wasm).toBe(replies.reference);
  });

  it('reports that a host has no kernels', async () => {
    const { compileKernels, ...platform } = nodePlatform();
    expect(compileKernels).toBeDefined();
    const loading = new InferenceEngine(platform).load(await nodeModelFiles(TINY_TRANSFORMER_DIR), {
      executor: 'wasm',
    });
    await expect(loading).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });
});
