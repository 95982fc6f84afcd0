/** Blocks of cells: results have the same bits as in the executor's own cells. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { openModel } from '../models/open-model.ts';
import { layersOf, partialProgram, tappedTensor, tapTensors, tensorName } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { TAPS } from '../program/taps.ts';
import type { KvCacheType } from '../api/types.ts';
import { gpuInFullRun, sharedDevice } from '../test-support/gpu.ts';
import { testKernels } from '../test-support/kernels.ts';
import { readTinyGolden, TINY_MODELS, tinyGgufFiles } from '../test-support/tiny-gguf.ts';
import { batchOf } from './batch.ts';
import type { CellBlock, Executor } from './executor.ts';
import { createReferenceExecutor } from './reference/reference-executor.ts';
import { createWasmExecutor } from './wasm/wasm-executor.ts';
import { storeReader } from './wasm/weights.ts';
import { createWebGpuExecutor } from './webgpu/webgpu-executor.ts';

const CELLS = 32;
const ARCHITECTURES = TINY_MODELS.filter((name) => readTinyGolden(name).arch === name);
const gpu = await gpuInFullRun();

async function open(
  name: string,
  kvCacheType: KvCacheType | null,
  onGpu = false,
): Promise<{ program: Program; executor: Executor }> {
  const { program, weights } = await openModel(await tinyGgufFiles(name), { contextSize: CELLS });
  if (onGpu) {
    const options = { device: await sharedDevice(gpu!), cells: CELLS, kvCacheType: kvCacheType ?? undefined };
    return { program, executor: await createWebGpuExecutor(program, storeReader(weights), options) };
  }
  const executor =
    kvCacheType === null
      ? createReferenceExecutor(program, weights, { cells: CELLS })
      : await createWasmExecutor(program, storeReader(weights), { kernels: testKernels(), cells: CELLS, kvCacheType });
  return { program, executor };
}

/** Logits after the last of `ids`. */
async function logitsBehind(
  executor: Executor,
  cache: KvCache,
  ids: readonly number[],
  block?: CellBlock,
): Promise<Float32Array> {
  const batch = batchOf([cache.append(0, ids)]);
  const { logits } = await executor.run(block ? { ...batch, block } : batch, { logits: [ids.length - 1] });
  return logits[0].read();
}

describe.each([
  ['reference', null, false] as const,
  ['wasm, K and V in float32', 'f32', false] as const,
  ['wasm, K and V in binary16', 'f16', false] as const,
  ['wasm, K and V in 8-bit codes', 'q8', false] as const,
  ...(gpu
    ? [['webgpu, K and V in float32', 'f32', true] as const, ['webgpu, K and V in binary16', 'f16', true] as const]
    : []),
])('a block of cells of the executor %s', (_name, kvCacheType, onGpu) => {
  it.each(ARCHITECTURES)('continues from copied cells: %s', async (name) => {
    const { executor } = await open(name, kvCacheType, onGpu);
    const prefix = readTinyGolden(name).prompt.slice(0, 9);
    const own = new KvCache(CELLS);
    // The cells of the sequence are not contiguous.
    own.append(1, [3, 4, 5]);
    own.append(0, prefix.slice(0, 2), 2, 3);
    own.append(2, [3]);
    own.release(0);
    await logitsBehind(executor, own, prefix);
    const cells = own.cells(0, prefix.length);
    const expected = await logitsBehind(executor, own, [7, 8]);

    // In the second round, the memory is no longer zero.
    for (let round = 0; round < 2; round++) {
      const block = await executor.allocateCells(2 * CELLS);
      block.copy(cells);
      const cache = new KvCache(block.cells);
      cache.append(0, prefix);
      expect(await logitsBehind(executor, cache, [7, 8], block)).toEqual(expected);
      // Without copied cells too.
      cache.append(1, [5]);
      cache.release(0);
      expect(await logitsBehind(executor, cache, [...prefix, 7, 8], block)).toEqual(expected);
      block.release();
    }
    // The executor's own cells are unchanged.
    own.truncate(0, prefix.length);
    expect(await logitsBehind(executor, own, [7, 8])).toEqual(expected);
    await executor.dispose();
  });

  it('serves a part of the layers with their cells only', async () => {
    const { program, executor } = await open('llama', kvCacheType, onGpu);
    const prompt = readTinyGolden('llama').prompt.slice(0, 9);
    const tap = (layer: number) => tappedTensor(program, TAPS.layerOutput(layer))!;
    const [given, wanted] = [tap(0), tap(1)];
    const names = [given, wanted].map(tensorName);
    const whole = await executor.run(batchOf([new KvCache(CELLS).append(0, prompt)]), {
      ...{ logits: [], taps: names, program: tapTensors(program, [given, wanted]) },
    });
    const part = partialProgram(program, { given: [given], wanted: [wanted] });
    const full = await executor.allocateCells(CELLS);
    full.release();
    const block = await executor.allocateCells(CELLS, layersOf(part));
    if (executor.name !== 'reference') expect(block.bytes).toBeLessThan(full.bytes);
    const batch = { ...batchOf([new KvCache(CELLS).append(0, prompt)]), block };
    const { taps } = await executor.run(batch, {
      ...{ logits: [], taps: [names[1]], program: part },
      given: new Map([[names[0], whole.taps.get(names[0])!.data]]),
    });
    expect(taps.get(names[1])).toEqual(whole.taps.get(names[1]));
    if (executor.name === 'wasm') {
      await expect(executor.run(batch, { logits: [0] })).rejects.toThrow('The block has no cells for layer 0.');
    }
    await executor.dispose();
  });

  it('counts as memory until it is released, and there is one at a time', async () => {
    const { executor } = await open('llama', kvCacheType, onGpu);
    const before = executor.memoryBytes;
    const block = await executor.allocateCells(3 * CELLS);
    expect(block.bytes).toBe(3 * before.kvCache);
    expect(executor.memoryBytes.kvCache).toBe(before.kvCache + block.bytes);
    await expect(executor.allocateCells(1)).rejects.toThrow('in use already');
    block.release();
    expect(executor.memoryBytes.kvCache).toBe(before.kvCache);
    const cache = new KvCache(CELLS);
    await expect(logitsBehind(executor, cache, [1], block)).rejects.toMatchObject({ code: 'INTERNAL' });
    await executor.dispose();
  });
});
