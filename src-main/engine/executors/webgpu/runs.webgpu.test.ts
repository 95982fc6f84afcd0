/** Lanes, blocks of cells, taps, interventions and weights in several buffers, with one model for all. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import { intervene } from '../../program/interventions.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { gpuInFullRun, sharedDevice } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { normalisedError } from '../../test-support/inside-models.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';
import { storeReader } from '../wasm/weights.ts';
import { openDevice } from './device.ts';
import { createWebGpuExecutor } from './webgpu-executor.ts';

/** Float32 sums through all layers: relative errors of about 1e-5, squared. */
const NMSE = 1e-9;
const MODEL = 'llama';
const CELLS = 64;
const FEW_CELLS = 16;
const TIMEOUT = { timeout: 400_000 };
const IDS = [11, 48, 85, 3, 20, 57, 94, 31, 5];

const gpu = await gpuInFullRun();

/** @param limit bytes of the largest binding; the context is then short, because its buffers are not split */
async function onGpu(limit?: number): ReturnType<typeof openGpuModel> {
  const { device, adapter } = await sharedDevice(gpu!);
  const limits = { maxBufferSize: device.limits.maxBufferSize, maxStorageBufferBindingSize: limit };
  const limited = new Proxy(device, {
    get: (target, name) => (name === 'limits' ? limits : Reflect.get(target, name, target)),
  });
  const used = limit === undefined ? device : limited;
  return openGpuModel(
    await tinyGgufFiles(MODEL),
    { device: used, adapter },
    { contextSize: limit === undefined ? CELLS : FEW_CELLS, kvCacheType: 'f32', sliceCells: 4 },
  );
}

async function onReference(): Promise<Executor> {
  const { program, weights } = await openModel(await tinyGgufFiles(MODEL), { contextSize: CELLS });
  return createReferenceExecutor(program, weights, { cells: CELLS });
}

async function logitsOf(executor: Executor, ids: readonly number[]): Promise<Float32Array> {
  const { logits } = await executor.run(batchOf([new KvCache(CELLS).append(0, ids)]), { logits: [ids.length - 1] });
  return logits[0].read();
}

describe.skipIf(gpu === null)('runs of the webgpu executor (in the full run, with an adapter)', () => {
  it('give the same bits alone, in one batch, in lanes and in a block of cells', TIMEOUT, async () => {
    const { executor } = await onGpu();
    const expected = await logitsOf(executor, IDS);

    const steps = new KvCache(CELLS);
    let last = new Float32Array(0);
    for (const id of IDS) {
      const { logits } = await executor.run(batchOf([steps.append(0, [id])]), { logits: [0] });
      last = Float32Array.from(await logits[0].read());
    }
    expect(last).toEqual(expected);

    const lanes = new KvCache(CELLS);
    for (const lane of [1, 2]) await executor.run(batchOf([lanes.append(lane, IDS.slice(0, -1))]), { logits: [] });
    const together = batchOf([lanes.append(1, IDS.slice(-1)), lanes.append(2, [7])]);
    const { logits } = await executor.run(together, { logits: [0, 1] });
    expect(await logits[0].read()).toEqual(expected);

    const block = await executor.allocateCells(2 * CELLS);
    block.copy(steps.cells(0, IDS.length - 1));
    const cache = new KvCache(block.cells);
    cache.append(0, IDS.slice(0, -1));
    const batch = { ...batchOf([cache.append(0, IDS.slice(-1))]), block };
    expect(await (await executor.run(batch, { logits: [0] })).logits[0].read()).toEqual(expected);
    block.release();
    await expect(executor.run(batch, { logits: [0] })).rejects.toMatchObject({ code: 'INTERNAL' });
    await executor.dispose();
  });

  it('return taps', TIMEOUT, async () => {
    const { executor, model } = await onGpu();
    const reference = await onReference();
    const taps = [...model.program.taps];
    const batch = () => batchOf([new KvCache(CELLS).append(0, IDS)]);
    const found = await executor.run(batch(), { logits: [8], taps });
    const expected = await reference.run(batch(), { logits: [8], taps });
    expect([...found.taps.keys()].sort()).toEqual([...expected.taps.keys()].sort());
    for (const [name, tap] of expected.taps) {
      expect(found.taps.get(name)!.shape).toEqual(tap.shape);
      expect(normalisedError(found.taps.get(name)!.data, tap.data)).toBeLessThan(NMSE);
    }
    await executor.dispose();
  });

  it('return the softmax weights of a sliding window from each slice of a prompt', TIMEOUT, async () => {
    const p = new ProgramBuilder();
    const x = p.embed(p.weight('table', [50, 8]), 'token');
    const attributes = { layer: 0, heads: 2, kvHeads: 2, headDim: 4, scale: 1, softcap: null, causal: true };
    const attended = p.attention(x, x, x, { ...attributes, window: 100, weightsTap: 'weights' });
    const program = p.logits(attended, p.weight('head', [50, 8]));
    const tensors = new Map(
      program.weights.map(({ name, shape }) => {
        const values = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * name.length));
        return [name, new Tensor(shape, values)] as const;
      }),
    );
    const store = { bytes: 0, get: (name: string) => tensors.get(name)! };
    // Two slices of at most 256.
    const cells = 300;
    const ids = Array.from({ length: cells }, (_, i) => (i * 37 + 11) % 50);
    const device = await sharedDevice(gpu!);
    const executor = await createWebGpuExecutor(program, storeReader(store), { device, cells, kvCacheType: 'f32' });
    const reference = createReferenceExecutor(program, store, { cells });
    const [found, expected] = await Promise.all(
      [executor, reference].map(async (one) => {
        const { taps } = await one.run(batchOf([new KvCache(cells).append(0, ids)]), { logits: [], taps: ['weights'] });
        return taps.get('weights')!;
      }),
    );
    expect(found.shape).toEqual(expected.shape);
    expect(normalisedError(found.data, expected.data)).toBeLessThan(NMSE);
    await executor.dispose();
  });

  it('run interventions', TIMEOUT, async () => {
    const { executor, model } = await onGpu();
    const reference = await onReference();
    const program = intervene(model.program, [
      { kind: 'head', layer: 0, head: 1 },
      { kind: 'feed_forward', layer: 0 },
      { kind: 'positions' },
      { kind: 'causal_mask' },
    ]);
    const batch = () => batchOf([new KvCache(CELLS).append(0, IDS)]);
    const [found, expected] = await Promise.all(
      [executor, reference].map(async (one) => (await one.run(batch(), { logits: [8], program })).logits[0].read()),
    );
    expect(normalisedError(found, expected)).toBeLessThan(NMSE);
    await executor.dispose();
  });

  it('read weights from several buffers when a binding cannot hold them', TIMEOUT, async () => {
    // 48 rows of 64 values: the table becomes seven buffers, those of a layer two or more, and none are joined.
    const { executor, model } = await onGpu(48 * 64 * 4);
    expect(model.config).toMatchObject({ vocabularySize: 320, hiddenSize: 64 });
    const expected = await logitsOf(await onReference(), IDS);
    expect(normalisedError(await logitsOf(executor, IDS), expected)).toBeLessThan(NMSE);
    await executor.dispose();
  });

  it('are refused when a binding cannot hold K and V', TIMEOUT, async () => {
    const small = 1024;
    const opening = onGpu(small);
    await expect(opening).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', details: { limit: small } });
  });

  it('end when the device is lost', TIMEOUT, async () => {
    const opened = await openDevice(gpu!);
    const { executor } = await openGpuModel(await tinyGgufFiles(MODEL), opened, { contextSize: CELLS });
    const batch = () => batchOf([new KvCache(CELLS).append(0, IDS)]);
    const running = executor.run(batch(), { logits: [8] });
    opened.device.destroy();
    await expect(running).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    expect(executor.failed).toBe(true);
    await expect(executor.run(batch(), { logits: [8] })).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    await executor.dispose();
  });

  it('stop when they are cancelled, and later runs are not affected', TIMEOUT, async () => {
    const { executor } = await onGpu();
    const batch = batchOf([new KvCache(CELLS).append(0, IDS)]);
    await expect(executor.run(batch, { logits: [8] }, { cancelled: true })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await logitsOf(executor, IDS)).toEqual(await logitsOf(executor, IDS));
    await executor.dispose();
  });

  it('attend to long contexts in slices', TIMEOUT, async () => {
    // The other models were trained for shorter contexts.
    const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
    const cells = 800;
    const options = { contextSize: cells, kvCacheType: 'f32' } as const;
    const { executor } = await openGpuModel(files, await sharedDevice(gpu!), options);
    const { program, weights } = await openModel(files, { contextSize: cells });
    const reference = createReferenceExecutor(program, weights, { cells });
    const ids = Array.from({ length: cells }, (_, i) => (i * 37 + 11) % program.vocabularySize);
    const caches = new Map([executor, reference].map((one) => [one, new KvCache(cells)]));
    // Up to 256 cells there is one slice; then two, three and four.
    for (const length of [256, 257, 600, cells]) {
      const [found, expected] = await Promise.all(
        Array.from(caches, async ([one, cache]) => {
          const before = ids.slice(cache.length(0), length - 1);
          if (before.length > 0) await one.run(batchOf([cache.append(0, before)]), { logits: [] });
          const { logits } = await one.run(batchOf([cache.append(0, [ids[length - 1]])]), { logits: [0] });
          return logits[0].read();
        }),
      );
      expect(normalisedError(found, expected)).toBeLessThan(NMSE);
    }
    await executor.dispose();
  });
});
