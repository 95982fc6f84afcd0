import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import { BF16 } from '../../quant/bf16.ts';
import { type BlockType, rowBytes } from '../../quant/block-type.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import { Q8_0 } from '../../quant/q8_0.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { expectSameBits } from '../../test-support/same-bits.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { createWasmExecutor } from './wasm-executor.ts';

const WIDTH = 256;
const VOCABULARY = 24;
const CELLS = 32;

interface Pair {
  readonly gate: BlockType;
  readonly up: BlockType;
}

/** The same input is needed as it is, scaled, or in 8-bit codes. */
const PAIRS: readonly Pair[] = [
  { gate: F16, up: Q8_0 },
  { gate: Q8_0, up: F16 },
  { gate: BF16, up: Q8_0 },
  { gate: Q8_0, up: BF16 },
  { gate: F32, up: F16 },
  { gate: Q8_0, up: Q8_0 },
];

describe.each(PAIRS)('a gate in $gate.name of a product in $up.name', (pair) => {
  // More panels of eight outputs than rows, and fewer.
  it.each([
    { outputs: 512, threads: 1 },
    { outputs: 512, threads: 2 },
    { outputs: 64, threads: 1 },
    { outputs: 64, threads: 2 },
  ])('gives the bits of separate operations: $outputs outputs on $threads threads', async ({ outputs, threads }) => {
    const executor = await open(pair, outputs, threads);
    for (const rows of [1, 5, 20]) {
      const tokens = Array.from({ length: rows }, (_, row) => row);
      const logitsWith = async (taps: string[]) => {
        const batch = batchOf([new KvCache(CELLS).append(0, tokens)]);
        const { logits } = await executor.run(batch, { logits: tokens, taps });
        return Promise.all(logits.map((handle) => handle.read()));
      };
      const together = await logitsWith([]);
      // Products share no chunks if what is between them is tapped.
      const apart = await logitsWith(['gate']);
      apart.forEach((row, i) => {
        expect(row.every(Number.isFinite)).toBe(true);
        expectSameBits(together[i], row);
      });
    }
    await executor.dispose();
  });
});

async function open({ gate, up }: Pair, outputs: number, threads: number): Promise<Executor> {
  const p = new ProgramBuilder();
  const x = p.embed(p.weight('table', [VOCABULARY, WIDTH]), 'token');
  const activated = p.tap('gate', p.silu(p.linear(x, p.weight('gate', [outputs, WIDTH]))));
  const fed = p.mul(activated, p.linear(x, p.weight('up', [outputs, WIDTH])));
  const program = p.logits(fed, p.weight('head', [VOCABULARY, outputs]));
  const typeOf: WeightReader['typeOf'] = ({ name }) => (name === 'gate' ? gate : name === 'up' ? up : F32);
  const reader: WeightReader = {
    typeOf,
    async readRows(weight, { onRows }) {
      const [rows, width] = weight.shape;
      await onRows(stored(typeOf(weight), randomValues(weight.name, rows * width)), 0, rows);
    },
  };
  return createWasmExecutor(program, reader, {
    ...{ kernels: testKernels(), cells: CELLS },
    threads: { count: threads, host: nodeKernelThreads() },
  });
}

function stored(type: BlockType, values: Float32Array): Uint8Array {
  // The upper half of a float32.
  if (type === BF16) {
    return new Uint8Array(Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16).buffer);
  }
  const bytes = new Uint8Array(rowBytes(type, values.length));
  type.quantize!(values, 0, bytes, 0, values.length / type.blockSize);
  return bytes;
}

/** From -1 to 1, determined by the name. */
function randomValues(name: string, length: number): Float32Array {
  let state = name.charCodeAt(0);
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
