/**
 * Measures the speed of attention: one layer of SmolLM2-135M's shape on one thread, for one row after a context, or for a
 * prompt of as many rows. With `--layers 30` keys and values come from memory as a model's do; with one they stay in the
 * cache.
 *
 *     node --import tsx bench/attention.ts [--rows 1,512] [--context 2048] [--layers 1] [--heads 9/3] [--kv f16]
 *                                          [--seconds 1] [--streams 8] [--variant threads] [--json]
 *
 * With ELECTRON_RUN_AS_NODE=1 and Electron's binary instead of `node`, it runs in the app's V8. Each figure is the best
 * of many runs, so that other load matters little.
 */
import { parseArgs } from 'node:util';
import { batchOf } from '../src-main/engine/executors/batch.ts';
import { createWasmExecutor } from '../src-main/engine/executors/wasm/wasm-executor.ts';
import { storeReader } from '../src-main/engine/executors/wasm/weights.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { ProgramBuilder } from '../src-main/engine/program/program-builder.ts';
import { Tensor } from '../src-main/engine/tensor/tensor.ts';
import type { KvCacheType } from '../src-main/engine/api/types.ts';
import { compileNodeKernels, type KernelVariant } from '../src-main/hosts/node/kernels.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1,512' },
    context: { type: 'string', default: '2048' },
    layers: { type: 'string', default: '1' },
    heads: { type: 'string', default: '9/3' },
    kv: { type: 'string', default: 'f16' },
    seconds: { type: 'string', default: '1' },
    streams: { type: 'string', default: '8' },
    variant: { type: 'string', default: 'threads' },
    json: { type: 'boolean', default: false },
  },
});
const VOCABULARY = 64;
const HEAD_DIM = 64;
const layers = Number(options.layers);
const context = Number(options.context);
const [heads, kvHeads] = options.heads.split('/').map(Number);
const id = (i: number) => (i * 37 + 11) % VOCABULARY;
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => id(from + i));

await ensureBuilt(['kernels']);
const results: { rows: number; ms: number; gmacs: number }[] = [];
for (const rows of options.rows.split(',').map(Number)) results.push(await measure(rows));
if (options.json) console.log(JSON.stringify({ v8: process.versions.v8, results }));
else {
  console.log(`V8 ${process.versions.v8}, ${options.variant} kernels, ${options.kv}, of each layer:`);
  for (const { rows, ms, gmacs } of results) {
    console.log(
      `${String(rows).padStart(5)} rows  ${ms.toFixed(3).padStart(8)} ms  ${gmacs.toFixed(1).padStart(6)} GMAC/s`,
    );
  }
}

/** One row attends to the whole context; several rows, each to those before it. */
async function measure(rows: number): Promise<{ rows: number; ms: number; gmacs: number }> {
  const { program, store } = model();
  const before = rows === 1 ? context - 1 : 0;
  const executor = await createWasmExecutor(program, storeReader(store), {
    kernels: compileNodeKernels([options.variant as KernelVariant]),
    cells: before + rows,
    kvCacheType: options.kv as KvCacheType,
    clock: performance,
    streams: options.streams === '2' ? 2 : 8,
  });
  const cache = new KvCache(before + rows);
  if (before > 0) await executor.run(batchOf([cache.append(0, ids(0, before))]), { logits: [] });
  const batch = batchOf([cache.append(0, ids(before, before + rows))]);
  let best = Infinity;
  let macs = 0;
  const end = performance.now() + 1000 * Number(options.seconds);
  while (performance.now() < end) {
    const { profile } = await executor.run(batch, { logits: [], profile: true });
    const ops = profile!.ops.filter(({ name }) => name.startsWith('attention'));
    best = Math.min(best, ops.reduce((sum, { ms }) => sum + ms, 0) / layers);
    macs = ops.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0) / layers;
  }
  return { rows, ms: best, gmacs: macs / best / 1e6 };
}

/** Attention whose q, k and v are rows of tables, so that little else is computed. */
function model() {
  const p = new ProgramBuilder();
  const table = (name: string, count: number) => p.embed(p.weight(name, [VOCABULARY, count * HEAD_DIM]), 'token');
  const [q, k, v] = [table('q', heads), table('k', kvHeads), table('v', kvHeads)];
  const outputs = Array.from({ length: layers }, (_, layer) =>
    p.attention(q, k, v, {
      ...{ layer, heads, kvHeads, headDim: HEAD_DIM, scale: 1 / 8, causal: true },
      ...{ weightsTap: null, softcap: null, window: null },
    }),
  );
  const last = outputs.at(-1)!;
  const program = p.logits(last, p.weight('head', [VOCABULARY, last.width]));
  const tensors = new Map(program.weights.map(({ name, shape }) => [name, new Tensor(shape, random(shape))]));
  return { program, store: { bytes: 0, get: (name: string) => tensors.get(name)! } };
}

function random([rows, columns]: readonly number[]): Float32Array {
  let state = rows;
  return Float32Array.from({ length: rows * columns }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}
