/** Every architecture and every type of weights on the GPU, against the reference executor. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { CONTEXT, filesOf, normalisedError } from '../../test-support/inside-models.ts';
import { QUANTIZED_MODELS, TINY_MODELS } from '../../test-support/tiny-gguf.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';

/** Float32 sums through all layers: relative errors of about 1e-5, squared. */
const NMSE = 1e-9;
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/**
 * Compiling shaders takes SwiftShader seconds per model, so `npm test` has few: layer norms and GELU; windows and norms of
 * heads; Llama; and 4- and 6-bit weights. The full run has all architectures and types.
 */
const MODELS = isFull ? [...TINY_MODELS, ...QUANTIZED_MODELS] : ['gpt2', 'gemma3', 'llama', 'llama-d256.Q4_K_M'];
const TOKENS = isFull ? 40 : 9;

const gpu = await testGpu();

describe.skipIf(gpu === null)('models on the webgpu executor (needs an adapter)', () => {
  it.each(MODELS)('%s gives the logits of the reference executor', { timeout: 120_000 }, async (name) => {
    const { program, weights } = await openModel(await filesOf(name), { contextSize: CONTEXT });
    const reference = createReferenceExecutor(program, weights, { cells: CONTEXT });
    // The reference stores K and V in float32.
    const device = await sharedDevice(gpu!);
    const { executor } = await openGpuModel(await filesOf(name), device, {
      contextSize: CONTEXT,
      kvCacheType: 'f32',
    });
    const ids = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % program.vocabularySize);
    const [expected, found] = [await allLogits(reference, ids), await allLogits(executor, ids)];
    const error = normalisedError(found, expected);
    expect(error).toBeLessThan(NMSE);
    await executor.dispose();
  });
});

/** Of a prompt, and of two tokens after it, one by one. */
async function allLogits(executor: Executor, ids: number[]): Promise<Float32Array> {
  const cache = new KvCache(CONTEXT);
  const prompt = ids.slice(0, -2);
  const rows: Float32Array[] = [];
  for (const part of [prompt, ids.slice(-2, -1), ids.slice(-1)]) {
    const { logits } = await executor.run(batchOf([cache.append(0, part)]), { logits: [...part.keys()] });
    for (const handle of logits) rows.push(await handle.read());
  }
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => all.set(row, i * row.length));
  return all;
}
