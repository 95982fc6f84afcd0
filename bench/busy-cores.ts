/**
 * What is left of the speed when other programs keep cores busy, by number of threads: prefill of 256 tokens and decoding of
 * 64 after them, medians, and the share of the speed on free cores. A busy loop takes half a core from the thread that it
 * shares one with, so that threads of one run are fast and slow. The app takes fewer threads for tokens then:
 *
 *     npx tsx bench/busy-cores.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Clock } from '../src-main/engine/api/platform.ts';
import type { Executor } from '../src-main/engine/executors/executor.ts';
import { openWasmModel } from '../src-main/engine/test-support/wasm-model.ts';
import { median } from '../src-main/hosts/node/bench/median.ts';
import { nodeKernelThreads } from '../src-main/hosts/node/kernel-threads.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { number, table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';
import { CONTEXT, measureRates, type ExecutorRates } from './lib/rates.ts';

const LOOPS = [0, 1, availableParallelism()];

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

const { path, repeat, threads: most } = await modelBench();
await ensureBuilt(['kernels']);
const files = await openModelPath(path);
const compared: { threads: string; executor: Executor; vocabulary: number; rates: ExecutorRates[][] }[] = [];
async function compare(threads: string, count: number | Clock): Promise<void> {
  const { executor, model } = await openWasmModel(files, {
    ...{ kernels: compileNodeKernels(), contextSize: CONTEXT, clock: performance },
    threads: { count, host: { ...nodeKernelThreads(), available: most } },
  });
  compared.push({ threads, executor, vocabulary: model.config.vocabularySize, rates: LOOPS.map(() => []) });
}
for (let threads = 1; threads <= most; threads *= 2) await compare(String(threads), threads);
await compare('as in the app', performance);
// The first turn compiles the kernels.
for (const { executor, vocabulary } of compared) await measureRates(executor, vocabulary);
for (let turn = 0; turn < repeat; turn++) {
  for (const [i, loops] of LOOPS.entries()) {
    await besideLoops(loops, async () => {
      for (const { executor, vocabulary, rates } of compared) {
        // The first tokens after a change of load tell whether fewer threads are faster.
        await measureRates(executor, vocabulary);
        rates[i].push(await measureRates(executor, vocabulary));
      }
    });
  }
}
const rows = compared.flatMap(({ threads, rates }) =>
  LOOPS.map((loops, i) => {
    const shown = (['prefill', 'decode'] as const).flatMap((what) => {
      const shares = rates[i].map((of, turn) => of[what] / rates[0][turn][what]);
      return [number(median(rates[i].map((of) => of[what]))), number(median(shares))];
    });
    return [threads, String(loops), ...shown];
  }),
);
for (const { executor } of compared) await executor.dispose();
console.log(`${availableParallelism()} cores`);
console.log(table(['threads', 'busy loops', 'prefill, tok/s', 'share', 'decode, tok/s', 'share'], rows));
