import { describe, expect, it } from 'vitest';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { tinyGgufFiles } from '../test-support/tiny-gguf.ts';
import { estimateMemory, referenceMemory } from './memory-estimate.ts';
import { fromSource } from './opened-model.ts';
import { openModel, openSource } from './open-model.ts';

describe('estimateMemory', () => {
  it.each(['llama', 'gemma3', 'gpt2-tied', 'llama-d256.Q4_K_M'])('equals what %s then occupies', async (name) => {
    const files = await tinyGgufFiles(name);
    const opened = fromSource(await openSource(files));
    for (const contextSize of [1, 100, 512]) {
      const { program, weights } = await openModel(files, { contextSize });
      const { memoryBytes } = createReferenceExecutor(program, weights, { cells: contextSize });
      const estimate = estimateMemory(opened, contextSize, referenceMemory);
      expect(estimate).toMatchObject(memoryBytes);
      expect(estimate.total).toBe(memoryBytes.weights + memoryBytes.kvCache + memoryBytes.scratch);
      expect(estimate.weights).toBe(weights.bytes);
    }
    await opened.close();
  });

  it('reads headers only', async () => {
    const files = await tinyGgufFiles('llama-d256.Q4_K_M');
    const source = await files.open('llama-d256.Q4_K_M.gguf');
    let bytes = 0;
    const read = (offset: number, length: number) => {
      bytes += length;
      return source.read(offset, length);
    };
    const opened = fromSource(await openSource({ ...files, open: async () => ({ ...source, read }) }));
    // 4 * (weights + 2 layers * 2 * 128 wide K and V for 10 tokens + activations)
    expect(estimateMemory(opened, 10, referenceMemory)).toMatchObject({
      weights: 4 * 1_344_768,
      kvCache: 4 * 2 * 2 * 128 * 10,
    });
    expect(bytes).toBeLessThanOrEqual(2 ** 18);
  });
});
