import { KernelMemory } from '../src-main/engine/executors/wasm/kernel-memory.ts';
import { instantiateKernels } from '../src-main/engine/executors/wasm/kernels.ts';
import { compileNodeKernels } from '../src-main/hosts/node/kernels.ts';
const k = compileNodeKernels();
const m = new KernelMemory(true);
const f: any = instantiateKernels(k.module, m.memory, () => false);
const at = m.allocate(256 * 2 ** 20, 'x'); m.u8.fill(3, at, at + 256 * 2 ** 20);
for (const [name, bytes] of [['L1', 32768], ['L2', 512 * 1024], ['L3', 8 * 2 ** 20], ['DRAM', 256 * 2 ** 20]] as const) {
  let best = Infinity; const reps = Math.max(1, Math.floor(2 ** 22 / bytes));
  const end = performance.now() + 1500;
  while (performance.now() < end) { const t = performance.now(); for (let i = 0; i < reps; i++) f.readMemory(at, bytes); best = Math.min(best, (performance.now() - t) / reps); }
  console.log(name, (bytes / best / 1e6).toFixed(1), 'GB/s');
}
let best = Infinity; for (let i = 0; i < 2000; i++) { const t = performance.now(); f.multiplyAdd(at, 4000); best = Math.min(best, performance.now() - t); }
console.log('mul', (4000 * 512 / best / 1e6).toFixed(1), 'GMAC/s');
