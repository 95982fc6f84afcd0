import { afterEach, describe, expect, it, vi } from 'vitest';
import { Worker } from 'node:worker_threads';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { EngineService } from '../../../protocol/engine/engine-service.ts';
import { defaultGenerateParams, InferenceEngine } from '../../index.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import type { KernelThreads } from '../../api/platform.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { collect } from '../../test-support/scripted-model.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { POOL_PLAN, POOL_PROGRESS, POOL_RUNS } from './plan-layout.ts';
import { createWasmExecutor } from './wasm-executor.ts';
import { storeReader } from './weights.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const prompt = () =>
  batchOf([
    new KvCache(1000).append(
      0,
      Array.from({ length: 500 }, (_, i) => (i * 7) % 1000),
    ),
  ]);

describe('a crashed thread', () => {
  const open: Executor[] = [];
  afterEach(async () => {
    for (const executor of open.splice(0)) await executor.dispose();
  });

  async function openWith(host: KernelThreads, count = 2): Promise<Executor> {
    const { executor } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads: { count, host } });
    open.push(executor);
    return executor;
  }

  it.each(isFull ? [2, 3] : [2])('makes a run with %d threads fail instead of hang', async (count) => {
    const threads = dyingThreads();
    const executor = await openWith(threads, count);
    threads.die(250);
    const runs = async () => {
      for (;;) await executor.run(prompt(), { logits: [499] });
    };
    await expect(runs()).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('Load the model again'),
    });
    // Later ones fail at once. Other load may delay one of them.
    const took: number[] = [];
    for (let sample = 0; sample < 3; sample++) {
      const started = performance.now();
      await expect(executor.run(prompt(), { logits: [499] })).rejects.toMatchObject({ code: 'BACKEND_LOST' });
      took.push(performance.now() - started);
    }
    expect(Math.min(...took)).toBeLessThan(1000);
    expect(executor.failed).toBe(true);
  });

  it('makes the engine service load the same model again', async () => {
    const dying = dyingThreads();
    let threads: KernelThreads = dying;
    const start: KernelThreads['start'] = (thread, onFailure) => threads.start(thread, onFailure);
    const engine = new InferenceEngine({ ...nodePlatform(), threads: { available: 2, start } });
    const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
    const service = new EngineService({ engine, openModel: () => Promise.resolve(files) });
    const cancel = { cancelled: false };
    const load = () => service.stream({ method: 'load', params: { modelId: files.id } }, cancel, () => null);
    const prompt = { kind: 'ids' as const, ids: Array.from({ length: 500 }, (_, i) => 3 + i) };
    const { stop, ...params } = defaultGenerateParams(prompt);
    // Computes the whole sequence for each of five hundred tokens.
    const long = {
      ...params,
      useKvCache: false,
      stop: { ...stop, maxTokens: 1000, ignoreEos: true, repetitionWindow: 0 },
    };
    await load();
    const lost = [];
    for await (const event of engine.generate(long)) {
      // The progress of the prompt comes before.
      if (event.type !== 'prefill' && lost.push(event) === 2) dying.die(0);
    }
    expect(lost.slice(0, 2)).toMatchObject([{ type: 'start' }, { type: 'token' }]);
    expect(lost.at(-1)).toMatchObject({ type: 'end', stop: { reason: 'error', error: { code: 'BACKEND_LOST' } } });
    expect(await service.call({ method: 'status', params: {} }, cancel)).toMatchObject({ model: null });
    threads = nodeKernelThreads();
    await load();
    expect(await service.call({ method: 'status', params: {} }, cancel)).toMatchObject({ model: { id: files.id } });
    const { end } = await collect(engine.generate({ ...long, stop: { ...long.stop, maxTokens: 3 } }));
    expect(end.stop.reason).toBe('max_tokens');
    await engine.unload();
  });

  it('makes the next run fail', async () => {
    const threads = dyingThreads();
    const executor = await openWith(threads);
    threads.die(0);
    await expect.poll(() => executor.failed).toBe(true);
    await expect(executor.run(prompt(), { logits: [499] })).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });

  it.each([1, 2])('may be the engine’s own, of %d: the executor has failed', async (count) => {
    const executor = await openWith(nodeKernelThreads(), count);
    // As a trap would, this ends the engine's thread in the middle of a run.
    const cancel = {
      get cancelled(): boolean {
        throw new Error('unreachable');
      },
    };
    await expect(executor.run(prompt(), { logits: [499] }, cancel)).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    expect(executor.failed).toBe(true);
  });
});

/** Longer than the engine's thread waits for one without progress. */
const SLOW_MS = 6000;

if (isFull) {
  // A crashed one, above, is waited for just as long.
  describe('a slow thread', () => {
    it.each<[what: string, getsOn: boolean]>([
      ['is waited for while it gets on', true],
      ['counts as lost when it does not', false],
    ])('%s', async (_what, getsOn) => {
      const opening = openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), {
        threads: { count: 2, host: slowThreads(SLOW_MS, getsOn) },
      });
      // Threads pack the weights, too.
      if (!getsOn) return expect(opening).rejects.toMatchObject({ code: 'BACKEND_LOST' });
      const { executor } = await opening;
      const { logits } = await executor.run(prompt(), { logits: [499] });
      expect((await logits[0].read()).every(Number.isFinite)).toBe(true);
      await executor.dispose();
    });
  });
}

describe('failed allocation of memory', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('names its purpose and keeps the loaded model', async () => {
    const engine = new InferenceEngine(nodePlatform());
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory');
    });
    await expect(engine.load(await tinyGgufFiles('llama'))).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(
        /^Out of memory for .+: \d+\.\d\sMB are needed, but the system has less free\. Close other apps/,
      ),
    });
    expect(engine.model?.id).toContain('tiny-transformer');
    expect((await engine.score({ prompt: { kind: 'ids', ids: [5, 6, 7] }, top: 1 })).logprobs).toHaveLength(2);
    grow.mockRestore();
    await engine.load(await tinyGgufFiles('llama'));
    await engine.unload();
  });
});

describe('cancelling', () => {
  /** Maximum time between two checks of the flag, ms. */
  const LONGEST_MS = 50;
  /** On slower machines, the limit is this share of the run instead. */
  const LONGEST_SHARE = 0.2;

  it.each([1, 2])('is checked often, 4,000 tokens into a prompt, on %d threads', async (count) => {
    const executor = await middleOfLongPrompt(count);
    const cache = new KvCache(4096);
    const { tokens, cells, positions, context } = cache.append(0, new Array<number>(4096).fill(1));
    const from = 4096 - 256;
    const batch = {
      ...{ tokens: tokens.subarray(from), cells: cells.subarray(from), positions: positions.subarray(from) },
      ...{ sequences: new Int32Array(256), contexts: [context] },
    };
    const took: number[] = [];
    // V8 compiles and collects garbage in one of them.
    for (let sample = 0; sample < 3; sample++) {
      const began = computingMs();
      let last = began;
      let longest = 0;
      let looks = 0;
      const cancel = {
        get cancelled() {
          const now = computingMs();
          longest = Math.max(longest, now - last);
          last = now;
          looks++;
          return false;
        },
      };
      await executor.run(batch, { logits: [255] }, cancel);
      const whole = computingMs() - began;
      expect(looks).toBeGreaterThan(20);
      took.push(longest / Math.max(LONGEST_MS, LONGEST_SHARE * whole));
    }
    expect(Math.min(...took)).toBeLessThan(1);
    await executor.dispose();
  });
});

/** CPU time, so that other load does not count. */
function computingMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A layer with the shape of a small model. The earlier content of the cache does not matter. */
async function middleOfLongPrompt(count: number): Promise<Executor> {
  const [width, inner] = [576, 1536];
  const p = new ProgramBuilder();
  const linear = (name: string, x: ReturnType<typeof p.embed>, outputs: number) =>
    p.linear(x, p.weight(name, [outputs, x.width]));
  const x = p.embed(p.weight('table', [8, width]), 'token');
  const attended = p.attention(linear('q', x, width), linear('k', x, 192), linear('v', x, 192), {
    ...{
      layer: 0,
      heads: 9,
      kvHeads: 3,
      headDim: 64,
      scale: 0.125,
      softcap: null,
      window: null,
      causal: true,
      weightsTap: null,
    },
  });
  const y = p.add(x, linear('o', attended, width));
  const fed = p.mul(p.silu(linear('gate', y, inner)), linear('up', y, inner));
  const program = p.logits(p.add(y, linear('down', fed, width)), p.weight('head', [8, width]));
  const store = {
    bytes: 0,
    get: (name: string) => Tensor.zeros(program.weights.find((weight) => weight.name === name)!.shape),
  };
  return createWasmExecutor(program, storeReader(store), {
    ...{ kernels: testKernels(), cells: 4096, kvCacheType: 'f16' as const },
    threads: { count, host: nodeKernelThreads() },
  });
}

/** Threads as started by the host, but inside threads that exit `ms` after `die`. */
function dyingThreads(): KernelThreads & { die(ms: number): void } {
  const script = new URL('../../../hosts/node/kernel-thread.mjs', import.meta.url).href;
  const source = `
    const { Worker, parentPort, workerData } = require('node:worker_threads');
    const worker = new Worker(new URL(${JSON.stringify(script)}), { workerData });
    worker.once('message', () => parentPort.postMessage('ready'));
    parentPort.once('message', (ms) => setTimeout(() => worker.terminate(), ms));`;
  const started: Worker[] = [];
  return {
    available: 2,
    die: (ms) => started.forEach((worker) => worker.postMessage(ms)),
    start: (thread, onFailure) =>
      new Promise((resolve) => {
        const worker = new Worker(source, { eval: true, workerData: thread });
        started.push(worker);
        worker.once('exit', onFailure);
        worker.once('message', () => resolve({ stop: async () => void (await worker.terminate()) }));
      }),
  };
}

/** Threads that join their first run `ms` late, and until then appear to make progress or do nothing. */
function slowThreads(ms: number, getsOn: boolean): KernelThreads {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { module, parts: [{ memory, pool }], thread } = workerData;
    const env = { memory, cancelled: () => 0, begin: () => undefined, now: () => 0 };
    const { exports } = new WebAssembly.Instance(module, { env });
    parentPort.postMessage('ready');
    const words = new Int32Array(memory.buffer);
    const runs = (pool + ${POOL_RUNS}) / 4;
    while (Atomics.load(words, runs) === 0) Atomics.wait(words, runs, 0, 10);
    const late = Date.now() + ${ms};
    while (Date.now() < late) {
      Atomics.wait(words, (pool + ${POOL_PLAN}) / 4, Atomics.load(words, (pool + ${POOL_PLAN}) / 4), 100);
      if (${getsOn}) Atomics.add(words, (pool + ${POOL_PROGRESS} + 64 * thread) / 4, 1);
    }
    for (let run = 0; (run = exports.nextRun(pool, run, thread)) !== 0; ) exports.work(pool, thread);`;
  return {
    available: 2,
    async start(thread) {
      const worker = new Worker(source, { eval: true, workerData: thread });
      await new Promise((resolve) => worker.once('message', resolve));
      return { stop: async () => void (await worker.terminate()) };
    },
  };
}
