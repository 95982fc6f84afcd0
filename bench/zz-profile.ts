// scratch: per-op time of a model's plan. Not for commit.
import { batchOf } from '../src-main/engine/executors/batch.ts';
import { createWasmExecutor } from '../src-main/engine/executors/wasm/wasm-executor.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { openModel } from '../src-main/engine/models/registry.ts';
import { singleFile } from '../src-main/engine/test-support/test-model.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
import * as L from '../src-main/engine/executors/wasm/plan-layout.ts';
const [path, rowsText, repText] = process.argv.slice(2);
const rows = Number(rowsText ?? 1), reps = Number(repText ?? 50);
const cells = 1024;
let ex: any;
await openModel(await singleFile(path), { contextSize: cells, takeWeights: async (program, weights, o) => {
  ex = await createWasmExecutor(program, weights, { kernels: compileNodeKernels(), cells });
  return { bytes: 0, get() { throw new Error('x'); } } as any;
}});
const cache = new KvCache(cells);
const ids = Array.from({ length: 1024 }, (_, i) => 3 + ((i * 37) % 900));
if (rows === 1) await ex.run(batchOf([cache.append(0, ids.slice(0, 16))]), { logits: [] });
await ex.run(batchOf([cache.append(0, ids.slice(0, rows))]), { logits: [rows - 1] });
const names = ['', 'linear', 'quantize', 'embed', 'layernorm', 'rmsnorm', 'rope', 'unary', 'binary', 'cachewrite', 'attention', 'gather', 'copy', 'merge'];
const i32 = ex.memory.i32;
const run = ex.buffers.run;
const groups = new Map<string, { best: number; count: number; macs: number; bytes: number }>();
const best: number[] = [];
const infos: any[] = [];
for (const plan of [ex.main, ex.logits]) {
  const n = plan.ops.length;
  const logit = plan === ex.logits;
  for (let i = 0; i < n; i++) {
    const first = plan.at + i * L.OP_BYTES;
    const start = i;
    let macs = 0;
    const keys: string[] = [];
    for (;;) {
      const at = plan.at + i * L.OP_BYTES;
      const f = (o: number) => i32[(at + o) / 4];
      const code = f(L.OP_CODE);
      let key = names[code] ?? `op${code}`;
      if (code === L.LINEAR) { key += ` ${f(L.OP_OUTPUTS)}x${f(L.OP_WIDTH)} L${f(L.OP_LAYOUT)}`; macs += (logit ? 1 : rows) * f(L.OP_OUTPUTS) * f(L.OP_WIDTH); }
      if (code === L.QUANTIZE) key += ` ${f(L.OP_WIDTH)}`;
      keys.push(key);
      if (!(f(L.OP_FLAGS) & (L as any).FLAG_CHAIN)) break;
      i++;
    }
    infos.push({ at: first, count: i - start + 1, key: keys.join('+') + (logit ? ' (logits)' : ''), macs });
  }
}
let bestTotal = Infinity;
for (let r = 0; r < reps; r++) {
  const t0 = performance.now();
  infos.forEach((info, i) => {
    const t = performance.now();
    ex.functions.runPlan(info.at, info.count, run, ex.pool.at);
    const d = performance.now() - t;
    best[i] = Math.min(best[i] ?? Infinity, d);
  });
  bestTotal = Math.min(bestTotal, performance.now() - t0);
}
infos.forEach((info, i) => {
  const g = groups.get(info.key) ?? { best: 0, count: 0, macs: 0, bytes: 0 };
  g.best += best[i]; g.count++; g.macs += info.macs; groups.set(info.key, g);
});
const sum = best.reduce((a, b) => a + b, 0);
console.log(`V8 ${process.versions.v8} rows ${rows}: sum of best ${sum.toFixed(3)} ms (best whole ${bestTotal.toFixed(3)}) = ${(1000 * rows / sum).toFixed(0)} tok/s`);
for (const [k, g] of [...groups].sort((a, b) => b[1].best - a[1].best)) console.log(k.padEnd(36), String(g.count).padStart(4), g.best.toFixed(3).padStart(9), `${(100 * g.best / sum).toFixed(1)}%`.padStart(7), g.macs ? `${(g.macs / g.best / 1e6).toFixed(1)} GMAC/s` : '');
process.exit(0);
