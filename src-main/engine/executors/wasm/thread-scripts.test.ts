/** The scripts of kernel threads in Node and in browsers, with several memories. */
import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { browserKernelThreads } from '../../test-support/browser-kernel-threads.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { memoryLimitFor } from '../../test-support/memory-limit.ts';
import { equalBits, promptAndSteps } from '../../test-support/prompt-and-steps.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels } from './kernels.ts';
import { POOL_BYTES } from './plan-layout.ts';

const MEMORIES = 3;
const CONTEXT = 64;
/** Outside of a memory that has not grown. */
const NOWHERE = 2 ** 30;

describe.each([
  ['Node', nodeKernelThreads],
  ['browsers', browserKernelThreads],
] as const)('a kernel thread of %s', (_host, host) => {
  it('computes in each memory of a model', async () => {
    const files = await tinyGgufFiles('llama-d256.Q4_K_M');
    const { model, executor: alone } = await openWasmModel(files, { contextSize: CONTEXT });
    const shape = { prompt: 30, steps: 8, context: CONTEXT, vocabulary: model.config.vocabularySize };
    const expected = await promptAndSteps(alone, shape);
    const { executor } = await openWasmModel(files, {
      contextSize: CONTEXT,
      threads: { count: 2, host: host() },
      memoryLimit: await memoryLimitFor(files, MEMORIES, { contextSize: CONTEXT, threads: 2 }),
    });
    expect(executor.kernels?.threads).toBe(2);
    expect(equalBits(await promptAndSteps(executor, shape), expected)).toBe(true);
    await alone.dispose();
    await executor.dispose();
  });

  it('tells all memories when its kernels throw', async () => {
    const { module, shared } = testKernels();
    const memories = [new KernelMemory(shared), new KernelMemory(shared)];
    const flags = memories.map((memory) => memory.allocate(4, 'a flag'));
    const pool = memories[0].allocate(POOL_BYTES, 'threads');
    const parts = memories.map(({ memory }, part) => ({ memory, pool: [pool, NOWHERE][part], failed: flags[part] }));
    let failures = 0;
    const thread = await host().start({ module, parts, thread: 1 }, () => failures++);
    instantiateKernels(module, memories[0].memory).callThreads(pool, 1, 2);
    const failed = () => memories.map(({ i32 }, part) => Atomics.load(i32, flags[part] / 4));
    await expect.poll(failed).toEqual([1, 1]);
    await expect.poll(() => failures).toBeGreaterThan(0);
    await thread.stop();
  });
});
