/** What one token costs the GPU, counted by a device that wraps the real one. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { countingDevice } from '../../test-support/counting-device.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { batchOf } from '../batch.ts';

const gpu = await testGpu();

/**
 * Per layer of Llama: two norms; q, k, v, output; two rotations, cache, attention; gate, up, down. Activations, the gate's
 * product and the additions are fused.
 */
const DISPATCHES_PER_LAYER = 13;
/** Embedding, last norm, logits. */
const OTHER_DISPATCHES = 3;

describe.skipIf(gpu === null)('a token on the webgpu executor (needs an adapter)', () => {
  it('creates nothing but its commands, and writes and reads little', { timeout: 120_000 }, async () => {
    const { device: real, adapter } = await sharedDevice(gpu!);
    const { device, take } = countingDevice(real);
    const { executor, model } = await openGpuModel(
      await tinyGgufFiles('llama'),
      { device, adapter },
      { contextSize: 64 },
    );
    const cache = new KvCache(64);
    await executor.run(batchOf([cache.append(0, [1, 2, 3])]), { logits: [2] });
    take();
    for (const id of [4, 5]) {
      await executor.run(batchOf([cache.append(0, [id])]), { logits: [0] });
      const counts = take();
      expect(counts.created).toEqual({ createCommandEncoder: 1 });
      expect(counts.submits).toBe(1);
      expect(counts.dispatches).toBe(DISPATCHES_PER_LAYER * model.config.layers + OTHER_DISPATCHES);
      // All logits; the best candidates would be enough for a reply.
      expect(counts.bytesRead).toBe(4 * Math.ceil(model.config.vocabularySize / 4) * 4);
      // One row's record with its angles, and one new cell.
      expect(counts.bytesWritten).toBeLessThan(512);
    }
    await executor.dispose();
  });
});
