/** When the executor considers a GPU lost, what it refuses, and which buffers it frees. The GPU computes nothing. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../api/errors.ts';
import type { GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import type { Model } from '../../models/model.ts';
import { layersOf, partialProgram, tappedTensor, tensorName } from '../../program/partial-program.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import { TAPS } from '../../program/taps.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { batchOf } from '../batch.ts';
import type { Batch, Executor } from '../executor.ts';
import { storeReader } from '../wasm/weights.ts';
import { createWebGpuExecutor } from './webgpu-executor.ts';

const CONTEXT = 1000;
/** Of at most 256 tokens, for that many. */
const SLICES = 4;
const HANG_MS = 30;

async function modelOn(
  change: (device: GpuDevice) => Partial<GpuDevice>,
  { device, adapter } = imaginedGpu(),
): Promise<{ model: Model; executor: Executor }> {
  const opened = { device: { ...device, ...change(device) }, adapter };
  const options = { contextSize: CONTEXT, hangMs: HANG_MS };
  return openGpuModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), opened, options);
}

async function executorOn(change: (device: GpuDevice) => Partial<GpuDevice>): Promise<Executor> {
  return (await modelOn(change)).executor;
}

function batchOfTokens(count: number): Batch {
  const ids = Array.from({ length: count }, (_, id) => id);
  return batchOf([new KvCache(CONTEXT).append(0, ids)]);
}

it.each([
  [20, 'waits for each slice of a prompt', 'done'],
  [40, 'gives up when a slice takes too long', 'BACKEND_LOST'],
])('%i ms: %s', async (sliceMs, _name, expected) => {
  const onSubmittedWorkDone = () => new Promise<undefined>((resolve) => setTimeout(resolve, sliceMs));
  const executor = await executorOn(({ queue }) => ({ queue: { ...queue, onSubmittedWorkDone } }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const outcome = executor.run(batchOfTokens(CONTEXT), { logits: [] }).then(
    () => 'done',
    (error: unknown) => EngineError.from(error).code,
  );
  await vi.advanceTimersByTimeAsync(SLICES * sliceMs);
  expect(await outcome).toBe(expected);
  expect(executor.failed).toBe(expected !== 'done');
});

describe('a GPU that stops answering while the executor is created', () => {
  /** So many weights that the upload waits for them. */
  const WEIGHTS = Tensor.zeros([2 ** 14, 2 ** 10]);
  const never = () => new Promise<never>(() => undefined);

  function create(change: (device: GpuDevice) => Partial<GpuDevice>, hangMs: number, cancel?: CancelToken) {
    const p = new ProgramBuilder();
    const table = p.weight('table', WEIGHTS.shape);
    const program = p.logits(p.embed(table, 'token'), table);
    const reader = storeReader({ bytes: 0, get: () => WEIGHTS });
    const { device, adapter } = imaginedGpu();
    const opened = { device: { ...device, ...change(device) }, adapter };
    return createWebGpuExecutor(program, reader, { device: opened, cells: 8, hangMs, cancel });
  }

  it.each<[string, (device: GpuDevice) => Partial<GpuDevice>]>([
    ['shaders are compiled', () => ({ createComputePipelineAsync: never })],
    ['weights are uploaded', ({ queue }) => ({ queue: { ...queue, onSubmittedWorkDone: never } })],
    ['memory is checked', () => ({ popErrorScope: never })],
  ])('while %s is lost, and can be cancelled', async (_name, change) => {
    const reason = 'it did not answer for 0.03 s';
    await expect(create(change, HANG_MS)).rejects.toMatchObject({ code: 'BACKEND_LOST', details: { reason } });
    const cancel = { cancelled: false };
    const creating = create(change, 600_000, cancel);
    setTimeout(() => (cancel.cancelled = true), 10);
    await expect(creating).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

it('gives up when the commands that read all logits are rejected', async () => {
  let fault: { message: string } | null = null;
  const executor = await executorOn(() => ({ popErrorScope: () => Promise.resolve(fault) }));
  const { logits } = await executor.run(batchOfTokens(1), { logits: [0], lend: true, bestFirst: true });
  const best = await logits[0].lend();
  expect(best.known).toBeLessThan(best.size);
  fault = { message: 'out of memory' };
  await expect(best.all()).rejects.toMatchObject({ code: 'BACKEND_LOST', details: { reason: 'out of memory' } });
  expect(executor.failed).toBe(true);
});

it('refuses profiles without timestamp queries', async () => {
  const executor = await executorOn(() => ({}));
  const running = executor.run(batchOfTokens(1), { logits: [0], profile: true });
  const message = expect.stringContaining('no timestamp queries') as string;
  await expect(running).rejects.toMatchObject({ code: 'BAD_REQUEST', message });
  expect(executor.failed).toBe(false);
});

describe('buffers', () => {
  it('of a tapped run are freed when the GPU has no memory for them', async () => {
    const gpu = imaginedGpu();
    const faults: { message: string }[] = [];
    const popErrorScope = () => Promise.resolve(faults.shift() ?? null);
    const { executor } = await modelOn(() => ({ popErrorScope }), gpu);
    const taps = [TAPS.attentionWeights(0), TAPS.layerOutput(0)];
    const run = () => executor.run(batchOfTokens(200), { logits: [], taps });
    await run();
    const before = gpu.liveBuffers.size;
    faults.push({ message: 'no memory' });
    await expect(run()).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(gpu.liveBuffers.size).toBe(before);
    expect(executor.failed).toBe(false);
  });

  it('of tapped runs are freed, whatever their context', async () => {
    const gpu = imaginedGpu();
    const { executor } = await modelOn(() => ({}), gpu);
    const before = gpu.liveBuffers.size;
    for (let count = 10; count < 30; count++) {
      await executor.run(batchOfTokens(count), { logits: [], taps: [TAPS.attentionWeights(0)] });
    }
    expect(gpu.liveBuffers.size).toBe(before);
  });

  it('of a block of cells are those of the layers that it serves', async () => {
    const gpu = imaginedGpu();
    const { model, executor } = await modelOn(() => ({}), gpu);
    const { program } = model;
    const before = gpu.liveBuffers.size;
    const full = await executor.allocateCells(400);
    full.release();
    const [given, wanted] = [0, 1].map((layer) => tappedTensor(program, TAPS.layerOutput(layer))!);
    const part = partialProgram(program, { given: [given], wanted: [wanted] });
    const block = await executor.allocateCells(400, layersOf(part));
    expect([...layersOf(part)]).toEqual([1]);
    expect(block.bytes * program.kvWidths.length).toBe(full.bytes);
    const batch = { ...batchOfTokens(9), block };
    const rows = new Map([[tensorName(given), new Float32Array(9 * program.tensors[given].width)]]);
    const name = tensorName(wanted);
    const { taps } = await executor.run(batch, { logits: [], taps: [name], program: part, given: rows });
    expect(taps.get(name)?.shape).toEqual([9, program.tensors[wanted].width]);
    await expect(executor.run(batch, { logits: [0] })).rejects.toMatchObject({ code: 'INTERNAL' });
    block.release();
    expect(gpu.liveBuffers.size).toBe(before);
  });
});
