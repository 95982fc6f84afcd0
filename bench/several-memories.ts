/**
 * What several memories cost: a model in one, two and four of them, in turns; prefill of 256 tokens and decoding of 64 after
 * them, medians, and whether the logits have the same bits. SmolLM2 Q4_1 shows more of the cost than a model beyond 4 GiB,
 * which computes far longer in each memory:
 *
 *     npx tsx bench/several-memories.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import type { Executor } from '../src-main/engine/executors/executor.ts';
import { memoryLimitFor } from '../src-main/engine/test-support/memory-limit.ts';
import { equalBits } from '../src-main/engine/test-support/prompt-and-steps.ts';
import { openWasmModel } from '../src-main/engine/test-support/wasm-model.ts';
import { median } from '../src-main/hosts/node/bench/median.ts';
import { nodeKernelThreads } from '../src-main/hosts/node/kernel-threads.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { number, table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';
import { CONTEXT, measureRates, type ExecutorRates } from './lib/rates.ts';

const MEMORIES = [1, 2, 4];

const { path, repeat, threads } = await modelBench();
await ensureBuilt(['kernels']);
const kernels = compileNodeKernels();
const files = await openModelPath(path);

const compared: { executor: Executor; vocabulary: number; rates: ExecutorRates[] }[] = [];
for (const memories of MEMORIES) {
  const sizes = { contextSize: CONTEXT, threads };
  const { executor, model } = await openWasmModel(files, {
    ...{ kernels, contextSize: CONTEXT, clock: performance },
    threads: { count: threads, host: nodeKernelThreads() },
    memoryLimit: memories === 1 ? undefined : await memoryLimitFor(files, memories, sizes),
  });
  compared.push({ executor, vocabulary: model.config.vocabularySize, rates: [] });
}

// The first turn compiles the kernels.
for (const { executor, vocabulary } of compared) await measureRates(executor, vocabulary);
for (let turn = 0; turn < repeat; turn++) {
  for (const { executor, vocabulary, rates } of compared) rates.push(await measureRates(executor, vocabulary));
}
const [one] = compared;
const logitsOf = (rates: readonly ExecutorRates[]) => rates.map(({ logits }) => logits);
const rows = compared.map(({ rates }, i) => {
  const shown = (['prefill', 'decode'] as const).flatMap((what) => {
    const ratios = rates.map((of, turn) => of[what] / one.rates[turn][what]);
    return [number(median(rates.map((of) => of[what]))), number(median(ratios))];
  });
  return [String(MEMORIES[i]), ...shown, equalBits(logitsOf(rates), logitsOf(one.rates)) ? 'yes' : 'NO'];
});
for (const { executor } of compared) await executor.dispose();
console.log(table(['memories', 'prefill, tok/s', 'ratio', 'decode, tok/s', 'ratio', 'same bits'], rows));
