/** The executor across a connection, with real messages. Behind it, the CPU kernels compute, or a GPU that is imagined. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../api/gpu.ts';
import type { MessageLink } from '../../api/platform.ts';
import { EngineError } from '../../api/errors.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import type { Model } from '../../models/model.ts';
import { intervene } from '../../program/interventions.ts';
import type { WeightReader } from '../../program/weights.ts';
import { bestOf } from '../../test-support/best-logits.ts';
import { createOnKernels, gpuThread, hungThread, type GpuThread } from '../../test-support/gpu-thread.ts';
import { gpuWith, imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { batchOf } from '../batch.ts';
import { type Executor, MOST_IN_FLIGHT, type Outputs, type RunResult } from '../executor.ts';
import { storeReader } from '../wasm/weights.ts';
import { createWasmExecutor } from '../wasm/wasm-executor.ts';
import { ExecutorClient } from './executor-client.ts';
import type { GpuRequest, GpuResponse } from './messages.ts';
import { createRemoteExecutor } from './remote-executor.ts';
import type { ServeGpuOptions } from './serve-gpu.ts';

const CELLS = 64;
const IDS = [11, 48, 85, 3, 20, 57, 94, 31, 5];

const opened: { dispose(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.dispose();
});

async function connected(thread: GpuThread, link: MessageLink = thread.link): Promise<ExecutorClient> {
  const client = new ExecutorClient(link);
  opened.push({ dispose: () => client.close() });
  await client.call('open', null);
  return client;
}

async function remote(
  model: Model,
  { create = createOnKernels, reader = storeReader(model.weights) }: ServeGpuOptions & { reader?: WeightReader } = {},
): Promise<{ executor: Executor; thread: GpuThread }> {
  const thread = gpuThread(gpuWith(), { create });
  const options = { cells: CELLS, kvCacheType: 'f32' } as const;
  const executor = await createRemoteExecutor(await connected(thread), model.program, reader, options);
  return { executor, thread };
}

async function pair(name = 'llama'): Promise<{ model: Model; here: Executor; there: Executor }> {
  const model = await openModel(await tinyGgufFiles(name), { contextSize: CELLS });
  const options = { kernels: testKernels(), cells: CELLS, kvCacheType: 'f32' } as const;
  const here = await createWasmExecutor(model.program, storeReader(model.weights), options);
  opened.push(here);
  return { model, here, there: (await remote(model)).executor };
}

async function valuesOf({ logits, taps }: RunResult) {
  return { logits: await Promise.all(logits.map((handle) => handle.read())), taps: [...taps] };
}

describe('an executor in another process', () => {
  it.each(['llama', 'gemma3', 'gpt2'])('gives the bits of one in this process: %s', async (name) => {
    const { model, here, there } = await pair(name);
    const results: unknown[] = [];
    for (const executor of [here, there]) {
      const cache = new KvCache(CELLS);
      const found: unknown[] = [];
      const run = async (sequence: number, ids: readonly number[], outputs: Outputs) =>
        found.push(await valuesOf(await executor.run(batchOf([cache.append(sequence, ids)]), outputs)));
      await run(0, IDS, { logits: [2, 8] });
      for (const id of [7, 8, 9]) await run(0, [id], { logits: [0], lend: true });
      // A context that is shorter than the one before, and then two at once.
      await run(1, [4, 5], { logits: [1] });
      const both = batchOf([cache.append(0, [1]), cache.append(1, [2, 3])]);
      found.push(await valuesOf(await executor.run(both, { logits: [0, 2] })));
      await run(2, IDS, { logits: [8], taps: [...model.program.taps].slice(0, 6) });
      await run(3, IDS, { logits: [8], program: intervene(model.program, [{ kind: 'causal_mask' }]) });
      results.push(found);
      expect(executor.computedTokens).toBe(IDS.length + 3 + 2 + 3 + 2 * IDS.length);
    }
    expect(results[1]).toEqual(results[0]);
    expect(there.memoryBytes).toEqual(here.memoryBytes);
  });

  it('has a block of cells', async () => {
    const { here, there } = await pair();
    const results: unknown[] = [];
    for (const executor of [here, there]) {
      const own = new KvCache(CELLS);
      await executor.run(batchOf([own.append(0, IDS)]), { logits: [] });
      const before = executor.memoryBytes.kvCache;
      const block = await executor.allocateCells(2 * CELLS);
      expect(executor.memoryBytes.kvCache).toBe(before + block.bytes);
      await expect(executor.allocateCells(1)).rejects.toThrow('in use already');
      block.copy(own.cells(0, IDS.length));
      const cache = new KvCache(block.cells);
      cache.append(0, IDS);
      const batch = { ...batchOf([cache.append(0, [7, 8])]), block };
      results.push(await valuesOf(await executor.run(batch, { logits: [1] })));
      block.release();
      expect(executor.memoryBytes.kvCache).toBe(before);
      await expect(executor.run(batch, { logits: [1] })).rejects.toMatchObject({ code: 'INTERNAL' });
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('has a block of cells for some layers on a GPU', async () => {
    const model = await openModel(await tinyGgufFiles('llama'), { contextSize: CELLS });
    const client = await connected(gpuThread(gpuWith()));
    const executor = await createRemoteExecutor(client, model.program, storeReader(model.weights), { cells: CELLS });
    const full = await executor.allocateCells(CELLS);
    full.release();
    const block = await executor.allocateCells(CELLS, new Set([1]));
    expect(block.bytes * model.program.kvWidths.length).toBe(full.bytes);
  });

  it('can be cancelled while a GPU that does not answer compiles shaders', async () => {
    const { program, weights } = await openModel(await tinyGgufFiles('llama'), { contextSize: CELLS });
    const hung = { createComputePipelineAsync: () => new Promise<never>(() => undefined) };
    const client = await connected(gpuThread(gpuWith(imaginedGpu(), hung)));
    const cancel = { cancelled: false };
    const onCompile = () => (cancel.cancelled = true);
    const creating = createRemoteExecutor(client, program, storeReader(weights), { cells: CELLS, cancel, onCompile });
    await expect(creating).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('sends the best logits first, and the others on demand until the next run', async () => {
    const { model, here } = await pair();
    let reads = 0;
    const create: ServeGpuOptions['create'] = async (...parameters) => {
      const executor = await createOnKernels(...parameters);
      const run = executor.run.bind(executor);
      return Object.assign(executor, {
        run: async (...taking: Parameters<Executor['run']>) => {
          const result = await run(...taking);
          const handles = result.logits.map(async (handle) => {
            const values = (await handle.read()).slice();
            const best = bestOf(values, 5, () => void reads++);
            return { read: () => Promise.resolve(values), lend: () => Promise.resolve(best) };
          });
          return { ...result, logits: taking[1].bestFirst ? await Promise.all(handles) : result.logits };
        },
      });
    };
    const { executor } = await remote(model, { create });
    const batch = () => batchOf([new KvCache(CELLS).append(0, IDS)]);
    const expected = await (await here.run(batch(), { logits: [8] })).logits[0].read();
    const { logits } = await executor.run(batch(), { logits: [8], lend: true, bestFirst: true });
    const best = await logits[0].lend();
    expect([best.known, best.size, reads]).toEqual([5, expected.length, 0]);
    expect(Array.from(best.top(3), (id) => expected[id])).toEqual([...expected.toSorted().reverse().slice(0, 3)]);
    expect((await best.all()).values).toEqual(expected);
    expect(reads).toBe(1);
    await executor.run(batch(), { logits: [] });
    await expect(best.all()).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('reports errors with their codes', async () => {
    const { there } = await pair();
    const batch = batchOf([new KvCache(CELLS).append(0, [1_000_000])]);
    await expect(there.run(batch, { logits: [] })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(there.failed).toBe(false);
    await there.dispose();
    const run = there.run(batchOf([new KvCache(CELLS).append(0, [1])]), { logits: [] });
    await expect(run).rejects.toMatchObject({ code: 'NO_MODEL' });
  });

  it('stops between two slices when it is cancelled', async () => {
    const { model } = await pair();
    const create: ServeGpuOptions['create'] = async (...parameters) => {
      const executor = await createOnKernels(...parameters);
      return Object.assign(executor, {
        run: async (...[, , cancel]: Parameters<Executor['run']>) => {
          while (!cancel?.cancelled) await new Promise((resolve) => setTimeout(resolve, 5));
          throw new EngineError('CANCELLED', 'The run was cancelled.');
        },
      });
    };
    const { executor } = await remote(model, { create });
    const cancel = { cancelled: false };
    setTimeout(() => (cancel.cancelled = true), 30);
    const run = executor.run(batchOf([new KvCache(CELLS).append(0, IDS)]), { logits: [8] }, cancel);
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('is not asked for a run that is cancelled already, nor for more than may be in flight', async () => {
    const { model } = await pair();
    let runs = 0;
    const { executor } = await remote(model, {
      create: async (...parameters) =>
        Object.assign(await createOnKernels(...parameters), {
          run: () => {
            runs++;
            return new Promise(() => undefined);
          },
        }),
    });
    const start = (cancelled = false) =>
      executor.run(batchOf([new KvCache(CELLS).append(0, [1])]), { logits: [0] }, { cancelled });
    await expect(start(true)).rejects.toMatchObject({ code: 'CANCELLED' });
    const started = Promise.allSettled(Array.from({ length: MOST_IN_FLIGHT }, () => start()));
    await expect(start()).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect.poll(() => runs).toBe(MOST_IN_FLIGHT);
    await executor.dispose();
    for (const run of await started) expect(run).toMatchObject({ status: 'rejected', reason: { code: 'NO_MODEL' } });
  });
});

describe('a profile from another process', () => {
  it('has the operations of one in this process', async () => {
    const { model } = await pair();
    const create: ServeGpuOptions['create'] = (program, reader, { cells }) =>
      createWasmExecutor(program, reader, { kernels: testKernels(), cells, clock: performance });
    const options = { kernels: testKernels(), cells: CELLS, clock: performance };
    const here = await createWasmExecutor(model.program, storeReader(model.weights), options);
    opened.push(here);
    const there = (await remote(model, { create })).executor;
    const profiles: unknown[] = [];
    for (const executor of [here, there]) {
      const { profile } = await executor.run(batchOf([new KvCache(CELLS).append(0, IDS)]), {
        logits: [8],
        profile: true,
      });
      const { ms, ops, ...others } = profile!;
      expect(ms).toBeGreaterThan(0);
      expect(ops.reduce((sum, op) => sum + op.ms, 0)).toBeGreaterThan(0);
      const work = ops.map(({ ms: _, waitMs: __, ...counts }) => counts);
      profiles.push({ ...others, ops: work.sort((a, b) => a.name.localeCompare(b.name)) });
    }
    expect(profiles[1]).toEqual(profiles[0]);
    const { profile } = await there.run(batchOf([new KvCache(CELLS).append(0, IDS)]), { logits: [8] });
    expect(profile).toBeUndefined();
  });

  it('is refused with the reason where operations cannot be timed', async () => {
    const { program, weights } = await openModel(await tinyGgufFiles('llama'), { contextSize: CELLS });
    const client = await connected(gpuThread(gpuWith()));
    const executor = await createRemoteExecutor(client, program, storeReader(weights), { cells: CELLS });
    const running = executor.run(batchOf([new KvCache(CELLS).append(0, IDS)]), { logits: [8], profile: true });
    const message = expect.stringContaining('no timestamp queries') as string;
    await expect(running).rejects.toMatchObject({ code: 'BAD_REQUEST', message });
    expect(executor.failed).toBe(false);
  });
});

describe('weights', () => {
  it('are read as fast as they are uploaded, and no faster', async () => {
    const { model } = await pair();
    const thread = gpuThread(gpuWith(), { create: createOnKernels });
    // Acknowledges rows late.
    let [underWay, most] = [0, 0];
    const slow: MessageLink = {
      ...thread.link,
      post(message) {
        if ((message as GpuRequest).type === 'rows') most = Math.max(most, ++underWay);
        thread.link.post(message);
      },
      onMessage: (listener) =>
        thread.link.onMessage((message) => {
          if ((message as GpuResponse).type !== 'taken') return listener(message);
          setTimeout(() => {
            underWay--;
            listener(message);
          }, 2);
        }),
    };
    const { weights, program } = model;
    const whole = storeReader(weights);
    // One row at a time.
    const reader: WeightReader = {
      typeOf: whole.typeOf,
      readRows: (weight, options) =>
        whole.readRows(weight, {
          ...options,
          async onRows(bytes, firstRow, rows) {
            const size = bytes.length / rows;
            for (let row = 0; row < Math.min(rows, 8); row++) {
              await options.onRows(bytes.subarray(row * size, (row + 1) * size), firstRow + row, 1);
            }
          },
        }),
    };
    await createRemoteExecutor(await connected(thread, slow), program, reader, { cells: CELLS });
    expect(most).toBe(4);
  });

  it('that cannot be read are reported', async () => {
    const { model } = await pair();
    const reader: WeightReader = {
      typeOf: storeReader(model.weights).typeOf,
      readRows: () => Promise.reject(new EngineError('MODEL_IO', 'The file is gone.')),
    };
    await expect(remote(model, { reader })).rejects.toMatchObject({ code: 'MODEL_IO', message: 'The file is gone.' });
  });

  it('reach the shaders of a GPU', async () => {
    const model = await openModel(await tinyGgufFiles('llama'), { contextSize: CELLS });
    const gpu = imaginedGpu();
    const client = await connected(gpuThread(gpuWith(gpu)));
    const executor = await createRemoteExecutor(client, model.program, storeReader(model.weights), { cells: CELLS });
    expect(executor.adapter).toEqual({ name: 'imagined', isSoftware: false, largestBuffer: 2 ** 31 - 4 });
    const { weights } = executor.memoryBytes;
    const { bytesWritten } = gpu.take();
    expect(bytesWritten).toBeGreaterThanOrEqual(weights);
    // The rest is sizes.
    expect(bytesWritten).toBeLessThan(1.01 * weights);
  });
});

describe('a process that fails', () => {
  it('by ending fails all that runs, and for good', async () => {
    const { model } = await pair();
    const { executor, thread } = await remote(model, {
      create: async (...parameters) =>
        Object.assign(await createOnKernels(...parameters), { run: () => new Promise(() => undefined) }),
    });
    const batch = batchOf([new KvCache(CELLS).append(0, IDS)]);
    const run = executor.run(batch, { logits: [8] });
    setTimeout(() => thread.kill(), 20);
    await expect(run).rejects.toMatchObject({ code: 'BACKEND_LOST', details: { reason: 'its process ended' } });
    expect(executor.failed).toBe(true);
    await expect(executor.run(batch, { logits: [8] })).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });

  it('by ending while it does nothing is noticed', async () => {
    const { model } = await pair();
    const { executor, thread } = await remote(model);
    expect(executor.failed).toBe(false);
    thread.kill();
    await expect.poll(() => executor.failed).toBe(true);
  });

  it('by hanging is given up', async () => {
    const { link, received } = hungThread();
    const client = new ExecutorClient(link, 600);
    const lost = { code: 'BACKEND_LOST', details: { reason: 'its process did not answer for 0.6 s' } };
    await expect(client.call('adapter', null)).rejects.toMatchObject(lost);
    expect(received).toMatchObject([{ name: 'adapter' }, { name: 'ping' }]);
  });

  it('is not one that is slow but answers', async () => {
    const gpu = gpuWith();
    const slow: Gpu = {
      requestAdapter: async () => {
        // Longer than the limit.
        await new Promise((resolve) => setTimeout(resolve, 900));
        return gpu.requestAdapter();
      },
    };
    const client = new ExecutorClient(gpuThread(slow).link, 600);
    expect(await client.call('adapter', null)).toMatchObject({ description: 'imagined' });
    client.close();
  });

  it('frees the device when the engine is gone', async () => {
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => (ended = resolve));
    let destroyed = 0;
    const gpu = gpuWith(imaginedGpu(), { destroy: () => void destroyed++ });
    const thread = gpuThread(gpu, { onEnd: () => ended() });
    (await connected(thread)).close();
    await end;
    expect(destroyed).toBe(1);
  });
});
