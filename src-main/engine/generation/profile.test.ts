import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../hosts/node/node-platform.ts';
import { InferenceEngine } from '../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';

const PARAMS = { prompt: 300, context: 20, generate: 3 };

describe('profile', () => {
  it.each([1, 2])('measures operations on %d threads', async (threads) => {
    const engine = new InferenceEngine(nodePlatform());
    const model = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads });
    const { prefill, decode } = await engine.profile(PARAMS);
    expect(prefill).toMatchObject({ tokens: 300, threads });
    expect(decode).toMatchObject({ tokens: 3, threads });
    for (const { ms, ops } of [prefill, decode]) {
      const measured = ops.reduce((sum, op) => sum + op.ms + op.waitMs, 0);
      expect(measured).toBeGreaterThan(0);
      expect(measured).toBeLessThanOrEqual(ms);
    }
    const { hiddenSize, feedForwardSize, vocabularySize, layers } = model;
    const matrices = layers * (4 * hiddenSize ** 2 + 2 * hiddenSize * feedForwardSize) + vocabularySize * hiddenSize;
    const read = decode.ops.reduce((sum, { name, bytes }) => sum + (name.startsWith('linear') ? bytes : 0), 0);
    // Each of the three tokens reads each matrix once. Rows fill whole panels of 8.
    expect(read / (3 * 4 * matrices)).toBeCloseTo(1, 2);
    const attention = prefill.ops.find(({ name }) => name === 'attention')!;
    // Each token attends to itself and those before it; one product with K and one with V.
    expect(attention.multiplyAdds).toBe(2 * ((300 * 301) / 2) * model.heads * model.headDim * model.layers);
    expect(engine.model?.kernels?.kvCacheType).toBe('f32');
    await engine.unload();
  });

  it('is refused by the reference executor, and for zero tokens', async () => {
    const engine = new InferenceEngine(nodePlatform());
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor: 'reference' });
    await expect(engine.profile({ prompt: 2, context: 1, generate: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(engine.profile({ ...PARAMS, generate: 0 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await engine.unload();
  });
});
