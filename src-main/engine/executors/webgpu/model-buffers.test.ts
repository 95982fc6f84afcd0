/** The estimated memory of a model on a GPU, against the buffers that are created. The GPU computes nothing. */
import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../api/gpu.ts';
import { describeModel, InferenceEngine } from '../../index.ts';
import { fromSource } from '../../models/opened-model.ts';
import { openSource } from '../../models/open-model.ts';
import { readerOf } from '../../models/weight-source.ts';
import { countedBuffers, UNIFORM_BYTES } from '../../test-support/counted-buffers.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { BUILT_IN, filesOf } from '../../test-support/inside-models.ts';
import { nodePlatform } from '../../test-support/tiny-engine.ts';
import { webGpuMemoryOf } from './model-buffers.ts';

/** Short, and long enough for slices of attention. */
const CONTEXTS = [100, 1000];
/** The last two have types that are converted. */
const MODELS = [BUILT_IN, 'llama', 'gemma3', 'gpt2-tied', 'llama-d256.Q4_K_M', 'llama-d256.Q2_K', 'llama-d256.Q3_K_M'];

async function estimate(name: string, cells: number) {
  const opened = fromSource(await openSource(await filesOf(name)));
  const memory = webGpuMemoryOf(opened.buildProgram(cells), readerOf(opened.weights), { cells });
  await opened.close();
  return { ...memory, total: memory.weights + memory.kvCache + memory.scratch };
}

/** Loads a model on a GPU with a limit. @returns the bytes of all its buffers, and what its executor says */
async function created(name: string, contextSize: number, largest?: number) {
  const { device, adapter } = imaginedGpu();
  const limits = { ...device.limits, ...(largest && { maxBufferSize: largest }) };
  const { counted, total } = countedBuffers({ ...device, limits });
  const { executor } = await openGpuModel(await filesOf(name), { device: counted, adapter }, { contextSize });
  return { bytes: total(), memoryBytes: executor.memoryBytes };
}

describe('the memory that a model needs on a GPU', () => {
  it.each(MODELS)('of %s is that of its buffers', async (name) => {
    const { contextSize } = await describeModel(await filesOf(name));
    for (const cells of CONTEXTS.filter((size) => size <= contextSize)) {
      const expected = await estimate(name, cells);
      const { bytes, memoryBytes } = await created(name, cells);
      expect(expected).toMatchObject(memoryBytes);
      expect(bytes).toBeGreaterThanOrEqual(expected.total);
      expect(bytes).toBeLessThan(expected.total + UNIFORM_BYTES);
    }
  });

  it('differs by at most 1 % where weights are split', async () => {
    const expected = await estimate(BUILT_IN, 1000);
    const { memoryBytes } = await created(BUILT_IN, 1000, expected.largestBuffer);
    expect(memoryBytes.weights).toBe(expected.weights);
    expect(memoryBytes.kvCache).toBe(expected.kvCache);
    expect(Math.abs(memoryBytes.scratch - expected.scratch)).toBeLessThan(0.01 * expected.total);
  });

  it('is in the description, with what the engine needs beside it', async () => {
    const { device, adapter } = imaginedGpu();
    const requestDevice = () => Promise.resolve(device);
    const gpu: Gpu = {
      requestAdapter: () => Promise.resolve({ info: adapter, limits: device.limits, requestDevice }),
    };
    const engine = new InferenceEngine({ ...nodePlatform(), openGpu: () => Promise.resolve(gpu) });
    const files = await filesOf(BUILT_IN);
    const { gpuMemory = [] } = await describeModel(files);
    expect(gpuMemory.length).toBeGreaterThan(0);
    for (const described of gpuMemory) {
      const { contextSize } = described;
      const { memoryBytes, adapter: used } = await engine.load(files, { executor: 'webgpu', contextSize });
      expect(described).toMatchObject(memoryBytes);
      expect(described.total).toBe(memoryBytes.weights + memoryBytes.kvCache + memoryBytes.scratch);
      expect(used?.largestBuffer).toBe(device.limits.maxBufferSize);
    }
    await engine.unload();
  });

  it('has a largest buffer that the GPU must allow; the error says by how much it does not', async () => {
    const { largestBuffer } = await estimate('llama', 512);
    await created('llama', 512, largestBuffer);
    // Enough for all others.
    const limit = 70_000;
    await expect(created('llama', 512, limit)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(
        /^A buffer for \w+ needs [\d.]+\sMB, 0\.1\sMB more than this GPU allows\. .*The CPU has no such limit\.$/,
      ) as string,
      details: { bytes: largestBuffer, limit },
    });
  });
});
