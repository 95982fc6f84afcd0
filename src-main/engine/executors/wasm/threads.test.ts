import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { QUANTIZED_MODELS, TINY_MODELS, tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { equalBits, promptAndSteps } from '../../test-support/prompt-and-steps.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';

const CONTEXT = 80;
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/**
 * Numbers of threads and streams. With two streams, matrices are split into other chunks. Six threads outnumber the cores of
 * test machines, so they sleep at barriers.
 */
const SHARES: readonly (readonly [count: number, streams: 2 | 8])[] = isFull
  ? [
      [1, 8],
      [2, 8],
      [3, 8],
      [2, 2],
      [3, 2],
      [6, 8],
    ]
  : [
      [1, 8],
      [3, 2],
    ];
/** Every architecture, and every layout of weights. */
const MODELS = [...TINY_MODELS, ...QUANTIZED_MODELS.filter((name) => /\.(F16|Q8_0|Q4_0|Q4_1)$/.test(name))];
const shapeOf = (vocabulary: number) => ({ prompt: 57, steps: 12, context: CONTEXT, vocabulary });

describe('threads of the wasm executor', () => {
  const open: Executor[] = [];
  afterEach(async () => {
    for (const executor of open.splice(0)) await executor.dispose();
  });

  it.each(MODELS)('compute the same bits for %s, whatever their number', async (name) => {
    const results: Float32Array[][] = [];
    const files = await tinyGgufFiles(name);
    for (const [count, streams] of SHARES) {
      const options = { contextSize: CONTEXT, threads: { count, host: nodeKernelThreads() }, streams };
      const { executor, model } = await openWasmModel(files, options);
      open.push(executor);
      results.push(await promptAndSteps(executor, shapeOf(model.program.vocabularySize)));
    }
    for (const result of results) expect(equalBits(result, results[0])).toBe(true);
  });

  it('stop in the middle of a run, and run again', async () => {
    const threads = { count: 2, host: nodeKernelThreads() };
    const { executor } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads });
    open.push(executor);
    const ids = Array.from({ length: 200 }, (_, i) => (i * 7) % 1000);
    const batch = batchOf([new KvCache(1000).append(0, ids)]);
    const whole = await executor.run(batch, { logits: [199] });
    for (const look of [1, 2, 5, 20, 60]) {
      let looks = 0;
      const cancel = {
        get cancelled() {
          return ++looks >= look;
        },
      };
      await expect(executor.run(batch, { logits: [199] }, cancel)).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    const again = await executor.run(batch, { logits: [199] });
    expect(equalBits([await again.logits[0].read()], [await whole.logits[0].read()])).toBe(true);
  });

  it.each([
    { few: 2, fastest: (key: string) => (key.startsWith('4 or 2') ? [5, 2] : [2, 5]) },
    { few: 3, most: 3, fastest: () => [2, 5] },
    { few: 1, fastest: () => [5, 2] },
  ])('compute tokens on $few of them if that is faster, and prompts on all', async ({ few, most = 4, fastest }) => {
    const files = await tinyGgufFiles('llama-d256.Q8_0');
    const alone = await openWasmModel(files, { contextSize: CONTEXT });
    open.push(alone.executor);
    const shape = shapeOf(alone.model.program.vocabularySize);
    const expected = await promptAndSteps(alone.executor, shape);
    const { executor } = await openWasmModel(files, {
      contextSize: CONTEXT,
      threads: { count: { now: () => performance.now() }, host: { ...nodeKernelThreads(), available: most } },
      measurements: { get: async (key) => (key.includes('threads') ? fastest(key) : undefined), set: async () => {} },
    });
    open.push(executor);
    expect(executor.kernels).toMatchObject({ threads: most, decodeThreads: few });
    // Idle threads are woken for each prompt.
    for (let reply = 0; reply < (isFull ? 5 : 2); reply++) {
      expect(equalBits(await promptAndSteps(executor, shape), expected)).toBe(true);
    }
  });

  it('compute tokens on fewer of them while something else keeps all cores busy', async () => {
    const files = await tinyGgufFiles('llama-d256.Q8_0');
    const alone = await openWasmModel(files, { contextSize: CONTEXT });
    open.push(alone.executor);
    const shape = shapeOf(alone.model.program.vocabularySize);
    const expected = await promptAndSteps(alone.executor, shape);
    const all = 4;
    const { executor } = await openWasmModel(files, {
      contextSize: CONTEXT,
      threads: { count: performance, host: { ...nodeKernelThreads(), available: all } },
      measurements: { get: async (key) => (key.includes('threads') ? [2, 5] : undefined), set: async () => {} },
      clock: performance,
    });
    open.push(executor);
    expect(executor.kernels?.decodeThreads).toBe(all);
    const token = batchOf([new KvCache(CONTEXT).append(0, [5])]);
    const threadsOfToken = async () => (await executor.run(token, { logits: [0], profile: true })).profile?.threads;
    const loops = Array.from({ length: availableParallelism() }, () => new Worker('for (;;);', { eval: true }));
    try {
      await expect.poll(threadsOfToken, { interval: 0, timeout: 20_000 }).toBeLessThan(all);
    } finally {
      await Promise.all(loops.map((loop) => loop.terminate()));
    }
    expect(equalBits(await promptAndSteps(executor, shape), expected)).toBe(true);
  });

  it('see memory that has grown since their start', async () => {
    const taps = (await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR))).model.program.taps;
    const results: Float32Array[][] = [];
    for (const count of [1, 3]) {
      const threads = { count, host: nodeKernelThreads() };
      const { executor } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads });
      open.push(executor);
      const found: Float32Array[] = [];
      for (const length of [3, 40, 250, 900]) {
        const ids = Array.from({ length }, (_, i) => (i * 7) % 1000);
        const batch = batchOf([new KvCache(1000).append(0, ids)]);
        const run = await executor.run(batch, { logits: [length - 1], taps: [...taps] });
        found.push(await run.logits[0].read(), ...[...run.taps.values()].map(({ data }) => data));
      }
      results.push(found);
    }
    expect(equalBits(results[1], results[0])).toBe(true);
  });
});
