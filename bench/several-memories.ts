/**
 * What several memories cost: a model in one, two and four of them, in turns; prefill of 256 tokens and decoding of 64 after
 * them, medians, and whether the logits have the same bits. SmolLM2 Q4_1 shows more of the cost than a model beyond 4 GiB,
 * which computes far longer in each memory:
 *
 *     npx tsx bench/several-memories.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import { batchOf } from '../src-main/engine/executors/batch.ts';
import type { Executor } from '../src-main/engine/executors/executor.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { memoryLimitFor } from '../src-main/engine/test-support/memory-limit.ts';
import { equalBits } from '../src-main/engine/test-support/prompt-and-steps.ts';
import { openWasmModel } from '../src-main/engine/test-support/wasm-model.ts';
import { nodeKernelThreads } from '../src-main/hosts/node/kernel-threads.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { number, table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';

const MEMORIES = [1, 2, 4];
const PROMPT = 256;
const STEPS = 64;
const CONTEXT = PROMPT + STEPS;

interface Rates {
  /** Tokens per second. */
  readonly prefill: number;
  readonly decode: number;
}

const { path, repeat, threads } = await modelBench();
await ensureBuilt(['kernels']);
const kernels = compileNodeKernels();
const files = await openModelPath(path);

const compared: { executor: Executor; vocabulary: number; rates: Rates[]; last: Float32Array[] }[] = [];
for (const memories of MEMORIES) {
  const sizes = { contextSize: CONTEXT, threads };
  const { executor, model } = await openWasmModel(files, {
    ...{ kernels, contextSize: CONTEXT, clock: performance },
    threads: { count: threads, host: nodeKernelThreads() },
    memoryLimit: memories === 1 ? undefined : await memoryLimitFor(files, memories, sizes),
  });
  compared.push({ executor, vocabulary: model.config.vocabularySize, rates: [], last: [] });
}

/** @param last receives the last token's logits */
async function run({ executor, vocabulary, last }: (typeof compared)[number]): Promise<Rates> {
  const id = (i: number) => (i * 37 + 11) % vocabulary;
  const cache = new KvCache(CONTEXT);
  const prompt = Array.from({ length: PROMPT }, (_, i) => id(i));
  const started = performance.now();
  let { logits } = await executor.run(batchOf([cache.append(0, prompt)]), { logits: [PROMPT - 1], lend: true });
  const prefilled = performance.now();
  for (let i = PROMPT; i < CONTEXT; i++) {
    ({ logits } = await executor.run(batchOf([cache.append(0, [id(i)])]), { logits: [0], lend: true }));
  }
  const ended = performance.now();
  last.splice(0, 1, await logits[0].read());
  return { prefill: (1000 * PROMPT) / (prefilled - started), decode: (1000 * STEPS) / (ended - prefilled) };
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

// The first turn compiles the kernels.
for (const each of compared) await run(each);
for (let turn = 0; turn < repeat; turn++) for (const each of compared) each.rates.push(await run(each));
const [one] = compared;
const rows = compared.map(({ rates, last }, i) => {
  const shown = (['prefill', 'decode'] as const).flatMap((what) => {
    const ratios = rates.map((of, turn) => of[what] / one.rates[turn][what]);
    return [number(median(rates.map((of) => of[what]))), number(median(ratios))];
  });
  return [String(MEMORIES[i]), ...shown, equalBits(last, one.last) ? 'yes' : 'NO'];
});
for (const { executor } of compared) await executor.dispose();
console.log(table(['memories', 'prefill, tok/s', 'ratio', 'decode, tok/s', 'ratio', 'same bits'], rows));
