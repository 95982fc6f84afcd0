/**
 * What is left of the speed when other programs keep cores busy, by number of threads: prefill of 256 tokens and decoding of
 * 64 after them, medians, and the share of the speed on free cores. A busy loop takes half a core from the thread that it
 * shares one with, so that threads of one run are fast and slow:
 *
 *     npx tsx bench/busy-cores.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { batchOf } from '../src-main/engine/executors/batch.ts';
import type { Executor } from '../src-main/engine/executors/executor.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { openWasmModel } from '../src-main/engine/test-support/wasm-model.ts';
import { nodeKernelThreads } from '../src-main/hosts/node/kernel-threads.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { number, table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';

const PROMPT = 256;
const STEPS = 64;
const CONTEXT = PROMPT + STEPS;
const LOOPS = [0, 1, availableParallelism()];

interface Rates {
  /** Tokens per second. */
  readonly prefill: number;
  readonly decode: number;
}

async function run(executor: Executor): Promise<Rates> {
  const cache = new KvCache(CONTEXT);
  const prompt = Array.from({ length: PROMPT }, (_, i) => i);
  const started = performance.now();
  await executor.run(batchOf([cache.append(0, prompt)]), { logits: [PROMPT - 1], lend: true });
  const prefilled = performance.now();
  for (let i = PROMPT; i < CONTEXT; i++) {
    await executor.run(batchOf([cache.append(0, [i])]), { logits: [0], lend: true });
  }
  const ended = performance.now();
  return { prefill: (1000 * PROMPT) / (prefilled - started), decode: (1000 * STEPS) / (ended - prefilled) };
}

/** Runs while `count` other processes compute without a pause. */
async function besideLoops<T>(count: number, work: () => Promise<T>): Promise<T> {
  const loops: ChildProcess[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const loop = spawn(process.execPath, ['-e', 'process.stdout.write("."); for (;;);'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      loops.push(loop);
      await once(loop.stdout!, 'data');
    }
    return await work();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

const { path, repeat, threads: most } = await modelBench();
await ensureBuilt(['kernels']);
const files = await openModelPath(path);
const compared: { threads: number; executor: Executor; rates: Rates[][] }[] = [];
for (let threads = 1; threads <= most; threads *= 2) {
  const { executor } = await openWasmModel(files, {
    ...{ kernels: compileNodeKernels(), contextSize: CONTEXT, clock: performance },
    threads: { count: threads, host: nodeKernelThreads() },
  });
  compared.push({ threads, executor, rates: LOOPS.map(() => []) });
}
// The first turn compiles the kernels.
for (const { executor } of compared) await run(executor);
for (let turn = 0; turn < repeat; turn++) {
  for (const [i, loops] of LOOPS.entries()) {
    await besideLoops(loops, async () => {
      for (const { executor, rates } of compared) rates[i].push(await run(executor));
    });
  }
}
const rows = compared.flatMap(({ threads, rates }) =>
  LOOPS.map((loops, i) => {
    const shown = (['prefill', 'decode'] as const).flatMap((what) => {
      const shares = rates[i].map((of, turn) => of[what] / rates[0][turn][what]);
      return [number(median(rates[i].map((of) => of[what]))), number(median(shares))];
    });
    return [String(threads), String(loops), ...shown];
  }),
);
for (const { executor } of compared) await executor.dispose();
console.log(`${availableParallelism()} cores`);
console.log(table(['threads', 'busy loops', 'prefill, tok/s', 'share', 'decode, tok/s', 'share'], rows));
