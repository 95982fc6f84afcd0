/**
 * Measures the matrix product kernels: a matrix of each type in each shape of SmolLM2-135M, for one row of activations
 * and for many, on one thread. One row reads matrices of `--stream` MB in all, so that they come from memory as a model's
 * do; `--stream 0` keeps one in the cache.
 *
 *     node --import tsx bench/kernels.ts [--types Q4_0,Q8_0] [--shapes 576x576] [--rows 1,4,64] [--seconds 0.5]
 *                                        [--stream 128] [--streams 8] [--sums i32] [--variant threads] [--json]
 *
 * With ELECTRON_RUN_AS_NODE=1 and Electron's binary instead of `node`, it runs in the app's V8. Each figure is the best
 * of many short runs, so that other load matters little. `npm run bench` measures the machine's limits.
 */
import { parseArgs } from 'node:util';
import { KernelMemory } from '../src-main/engine/executors/wasm/kernel-memory.ts';
import { instantiateKernels, type KernelExports } from '../src-main/engine/executors/wasm/kernels.ts';
import * as L from '../src-main/engine/executors/wasm/plan-layout.ts';
import { type PlanOp, quantizedStride, strideOf, writePlan } from '../src-main/engine/executors/wasm/plan.ts';
import { packOp } from '../src-main/engine/executors/wasm/weight-packer.ts';
import { DOT_KINDS, packingOf, type WeightLayout } from '../src-main/engine/executors/wasm/weight-layouts.ts';
import { type BlockType, rowBytes } from '../src-main/engine/quant/block-type.ts';
import { writeF16 } from '../src-main/engine/quant/float16.ts';
import { BLOCK_TYPES } from '../src-main/engine/quant/registry.ts';
import { compileNodeKernels, type KernelVariant } from '../src-main/hosts/node/kernels.ts';
import { ensureBuilt } from '../scripts/ensure-built.mjs';

const { values: options } = parseArgs({
  options: {
    types: { type: 'string', default: 'Q4_0,Q4_1,Q5_0,Q6_K,Q8_0,F16,BF16' },
    shapes: { type: 'string', default: '576x576,192x576,1536x576,576x1536,49152x576' },
    rows: { type: 'string', default: '1,4,64' },
    stream: { type: 'string', default: '128' },
    streams: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '0.5' },
    variant: { type: 'string', default: 'threads' },
    sums: { type: 'string', default: 'i32' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rowCounts = options.rows.split(',').map(Number);

interface Row {
  readonly type: string;
  readonly shape: string;
  readonly rows: number;
  /** 10^9 multiply-adds per second. */
  readonly gmacs: number;
  /** 10^9 bytes of weights per second. */
  readonly gigabytes: number;
}

await ensureBuilt(['kernels']);
const kernels = compileNodeKernels([options.variant as KernelVariant]);
const results: Row[] = [];
for (const name of options.types.split(',')) {
  for (const shape of options.shapes.split(',')) measure(name, shape);
}
if (options.json) console.log(JSON.stringify({ v8: process.versions.v8, results }));
else print();

function measure(name: string, shape: string): void {
  const [outputs, inputs] = shape.split('x').map(Number);
  const type = BLOCK_TYPES.find((type) => type.name === name);
  if (!type) throw new Error(`Unknown type ${name}.`);
  const memory = new KernelMemory(kernels.shared);
  const functions = instantiateKernels(kernels.module, memory.memory);
  const { layout, convert } = packingOf(type, inputs, {
    codes: DOT_KINDS[functions.dotKind()],
    sums: options.sums as 'i32' | 'i16',
  });
  const matrixBytes = Math.ceil(outputs / 8) * 8 * layout.bytes(inputs);
  const many = Math.max(...rowCounts);
  const copies = Math.max(1, Math.ceil((Number(options.stream) * 2 ** 20) / matrixBytes));
  const addresses = Array.from({ length: copies }, () => memory.allocate(matrixBytes, 'weights'));
  const x = memory.allocate(many * strideOf(inputs), 'activations');
  const prepared = memory.allocate(many * Math.max(strideOf(inputs), quantizedStride(inputs)), 'activations');
  const y = memory.allocate(many * strideOf(outputs), 'outputs');
  const plan = memory.allocate(copies * L.OP_BYTES, 'the plan');
  const run = memory.allocate(L.RUN_BYTES, 'a run');
  const pool = memory.allocate(L.POOL_BYTES, 'threads');
  const tiles = memory.allocate(2 * 64 * inputs + 8192, 'tiles');
  const rowsAtOnce = Math.min(outputs, 4096);
  const bytes = convert(randomBlocks(type, rowsAtOnce * inputs), rowsAtOnce, inputs);
  const staging = memory.reserve(bytes.length, 'weights');
  memory.u8.set(bytes, staging);
  memory.i32[(pool + L.POOL_THREADS) / 4] = 1;
  for (let row = 0; row < outputs; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, outputs - row);
    const place = { at: addresses[0], width: inputs, raised: 0 };
    const source = { at: staging, stride: bytes.length / rowsAtOnce, rows };
    execute(functions, memory, [packOp(layout, place, row, source)], { plan, run, pool });
  }
  for (const at of addresses.slice(1)) memory.u8.copyWithin(at, addresses[0], addresses[0] + matrixBytes);
  for (let i = 0; i < many * inputs; i++) memory.f32[x / 4 + i] = Math.sin(i * 12.9898);
  memory.i32[(run + L.RUN_TILES) / 4] = tiles;
  memory.i32[(run + L.RUN_STREAMS) / 4] = Number(options.streams);

  for (const rows of rowCounts) {
    memory.i32[(run + L.RUN_ROWS) / 4] = rows;
    const at = { plan, run, pool };
    if (layout.id !== L.LAYOUT_F32) {
      execute(functions, memory, [prepareOp(layout, x, prepared, inputs)], at);
    }
    const ops = (rows < 16 ? addresses : addresses.slice(0, 1)).map((weights) => {
      return linearOp(layout, weights, layout.id === L.LAYOUT_F32 ? x : prepared, y, inputs, outputs);
    });
    const best = execute(functions, memory, ops, at, seconds);
    const gmacs = (rows * inputs * outputs * ops.length) / best / 1e6;
    results.push({ type: name, shape, rows, gmacs, gigabytes: (matrixBytes * ops.length) / best / 1e6 });
  }
}

function prepareOp(layout: WeightLayout, x: number, y: number, inputs: number): PlanOp {
  return new Map([
    [L.OP_CODE, layout.input === 'codes' ? L.QUANTIZE : L.UNARY],
    [L.OP_KIND, L.UNARY_SCALE],
    [L.OP_FACTOR, L.F16_INPUT_SCALE],
    [L.OP_X, x],
    [L.OP_X_STRIDE, strideOf(inputs)],
    [L.OP_WIDTH, inputs],
    [L.OP_Y, y],
    [L.OP_Y_STRIDE, layout.input === 'codes' ? quantizedStride(inputs) : strideOf(inputs)],
  ]);
}

function linearOp(
  layout: WeightLayout,
  weights: number,
  x: number,
  y: number,
  inputs: number,
  outputs: number,
): PlanOp {
  return new Map([
    [L.OP_CODE, L.LINEAR],
    [L.OP_X, x],
    [L.OP_X_STRIDE, layout.input === 'codes' ? quantizedStride(inputs) : strideOf(inputs)],
    [L.OP_Y, y],
    [L.OP_Y_STRIDE, strideOf(outputs)],
    [L.OP_WIDTH, inputs],
    [L.OP_OUTPUTS, outputs],
    [L.OP_WEIGHT, weights],
    [L.OP_LAYOUT, layout.id],
    [L.OP_ZERO, layout.zero],
  ]);
}

/** Total of the best time of each operation, ms. Without `seconds` each runs once. */
function execute(
  functions: KernelExports,
  memory: KernelMemory,
  ops: readonly PlanOp[],
  at: { plan: number; run: number; pool: number },
  seconds = 0,
): number {
  writePlan(ops, memory, at.plan);
  const best = ops.map(() => Infinity);
  const end = performance.now() + 1000 * seconds;
  do {
    for (let i = 0; i < ops.length; i++) {
      const started = performance.now();
      functions.runPlan(at.plan + i * L.OP_BYTES, 1, at.run, at.pool);
      best[i] = Math.min(best[i], performance.now() - started);
    }
  } while (performance.now() < end);
  return best.reduce((sum, ms) => sum + ms, 0);
}

/** Any bytes are valid codes; the float16 scales must be reasonable numbers. */
function randomBlocks(type: BlockType, values: number): Uint8Array {
  const bytes = new Uint8Array(rowBytes(type, values));
  let state = 1;
  for (let i = 0; i < bytes.length; i++) bytes[i] = (state = (state * 48271) % 2147483647) >> 8;
  // Position of the scales: first in a block except for Q6_K and Q3_K, and some have minimums.
  const scales =
    type.name === 'Q6_K' ? [208] : type.name === 'Q3_K' ? [108] : /^Q[45]_[1K]$/.test(type.name) ? [0, 2] : [0];
  if (type.name === 'F32') return new Uint8Array(new Float32Array(values).fill(0.01).buffer);
  for (let at = 0; at < bytes.length; at += type.blockBytes) {
    for (const scale of scales) writeF16(bytes, at + scale, 0.01);
  }
  return bytes;
}

function print(): void {
  console.log(`V8 ${process.versions.v8}, ${options.variant}; GMAC/s (one row: and GB/s of weights).\n`);
  console.log(`| type | shape | ${rowCounts.join(' | ')} |`);
  console.log(`|---|---|${rowCounts.map(() => '---|').join('')}`);
  for (const first of results.filter(({ rows }) => rows === rowCounts[0])) {
    const cells = results
      .filter(({ type, shape }) => type === first.type && shape === first.shape)
      .map(({ rows, gmacs, gigabytes }) => `${gmacs.toFixed(1)}${rows === 1 ? ` (${gigabytes.toFixed(1)})` : ''}`);
    console.log(`| ${first.type} | ${first.shape} | ${cells.join(' | ')} |`);
  }
}
