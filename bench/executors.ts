/**
 * Compares the wasm executor, on one thread and on several, with the reference executor: alternating on the same model
 * in one run, so that what else the machine does falls on all of them.
 *
 *     node --import tsx bench/executors.ts [--prompt 64] [--generate 32] [--context 16] [--repeat 3] [--threads 2]
 *                                          [--skip-reference] [MODEL.gguf ...]
 *
 * Without models: TinyTransformer and, when it was fetched, SmolLM2. Prints Markdown.
 */
import { availableParallelism, cpus } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { batchOf } from '../src-main/engine/executors/batch.ts';
import type { Executor } from '../src-main/engine/executors/executor.ts';
import { createReferenceExecutor } from '../src-main/engine/executors/reference/reference-executor.ts';
import { createWasmExecutor } from '../src-main/engine/executors/wasm/wasm-executor.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { openModel } from '../src-main/engine/models/registry.ts';
import type { ModelFiles } from '../src-main/engine/platform.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../src-main/engine/test-support/model-files.ts';
import { singleFile } from '../src-main/engine/test-support/test-model.ts';
import { nodeKernelThreads } from '../src-main/hosts/node/kernel-threads.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { cachedTestModel } from '../scripts/fetch-test-model.ts';

/** Tokens of a prompt that are run at once, as the engine does. */
const SLICE = 128;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompt: { type: 'string', default: '64' },
    generate: { type: 'string', default: '32' },
    context: { type: 'string', default: '16' },
    repeat: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'skip-reference': { type: 'boolean', default: false },
  },
});
const [promptTokens, generated, context, repeats, threads] = [
  ...[options.prompt, options.generate, options.context],
  ...[options.repeat, options.threads],
].map(Number);
const contextSize = Math.max(promptTokens, context + generated + 1);

interface Contender {
  readonly name: string;
  readonly executor: Executor;
  readonly loadMs: number;
  readonly prefill: number[];
  readonly decode: number[];
}

await ensureBuilt(['kernels']);
const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} threads`;
console.log(`${machine}; Node ${process.versions.node}, V8 ${process.versions.v8}.`);
console.log(`Prefill of ${promptTokens} tokens, ${generated} tokens after ${context}; medians of ${repeats}.\n`);
console.log('| model | executor | load, ms | prefill, tokens/s | decode, tokens/s | prefill, ratio | decode, ratio |');
console.log('|---|---|---|---|---|---|---|');
for (const files of await models()) await compare(files);
process.exit(0);

async function models(): Promise<ModelFiles[]> {
  if (positionals.length > 0) return Promise.all(positionals.map((path) => singleFile(path)));
  const real = await cachedTestModel();
  return [await nodeModelFiles(TINY_TRANSFORMER_DIR), ...(real === null ? [] : [await singleFile(real)])];
}

async function compare(files: ModelFiles): Promise<void> {
  const contenders: Contender[] = [];
  if (!options['skip-reference']) contenders.push(await contender('reference', () => openReference(files)));
  for (const count of threads > 1 ? [1, threads] : [1]) {
    contenders.push(await contender(`wasm, ${count} thread${count > 1 ? 's' : ''}`, () => openWasm(files, count)));
  }
  // The first round compiles and fills caches; it is not counted.
  for (let round = 0; round <= repeats; round++) {
    for (const one of contenders) {
      const [prefill, decode] = await measure(one.executor);
      if (round === 0) continue;
      one.prefill.push(prefill);
      one.decode.push(decode);
    }
  }
  const [base] = contenders;
  for (const one of contenders) {
    const [prefill, decode] = [median(one.prefill), median(one.decode)];
    const ratios = [prefill / median(base.prefill), decode / median(base.decode)].map((ratio) => ratio.toFixed(2));
    const cells = [
      basename(files.id),
      one.name,
      one.loadMs.toFixed(0),
      prefill.toFixed(1),
      decode.toFixed(1),
      ...ratios,
    ];
    console.log(`| ${cells.join(' | ')} |`);
    await one.executor.dispose();
  }
}

async function contender(name: string, open: () => Promise<Executor>): Promise<Contender> {
  const started = performance.now();
  const executor = await open();
  return { name, executor, loadMs: performance.now() - started, prefill: [], decode: [] };
}

async function openReference(files: ModelFiles): Promise<Executor> {
  const { program, weights } = await openModel(files, { contextSize });
  return createReferenceExecutor(program, weights, { cells: contextSize });
}

async function openWasm(files: ModelFiles, count: number): Promise<Executor> {
  let executor: Executor | null = null;
  await openModel(files, {
    contextSize,
    takeWeights: async (program, weights, { onBytes, cancel }) => {
      const host = nodeKernelThreads();
      const shared = { kernels: compileNodeKernels(), threads: { count, host }, onBytes, cancel };
      const created = await createWasmExecutor(program, weights, { ...shared, cells: contextSize });
      executor = created;
      return {
        bytes: created.memoryBytes.weights,
        get(name) {
          throw new Error(`${name} is in the kernels' memory.`);
        },
      };
    },
  });
  if (executor === null) throw new Error(`${files.id} was opened without its weights.`);
  return executor;
}

/** Tokens per second of a prompt, and of single tokens after a context. */
async function measure(executor: Executor): Promise<[prefill: number, decode: number]> {
  const cache = new KvCache(contextSize);
  const ids = Array.from({ length: contextSize }, (_, i) => 3 + ((i * 37) % 900));
  const run = (tokens: number[], logits: number[]) => executor.run(batchOf([cache.append(0, tokens)]), { logits });
  const fill = async (count: number) => {
    for (let at = 0; at < count; at += SLICE) {
      const slice = ids.slice(at, Math.min(at + SLICE, count));
      await run(slice, at + SLICE >= count ? [slice.length - 1] : []);
    }
  };
  let started = performance.now();
  await fill(promptTokens);
  const prefill = (1000 * promptTokens) / (performance.now() - started);
  cache.release(0);
  await fill(context);
  started = performance.now();
  for (let i = 0; i < generated; i++) await run([ids[i]], [0]);
  return [prefill, (1000 * generated) / (performance.now() - started)];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
