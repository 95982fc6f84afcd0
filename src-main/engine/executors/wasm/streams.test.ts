import { expect, it } from 'vitest';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import type { Measurements } from '../../api/platform.ts';
import type { BlockType } from '../../quant/block-type.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import { testKernels } from '../../test-support/kernels.ts';
import type { KernelsInfo } from '../../api/types.ts';
import { createWasmExecutor, type WasmExecutorOptions } from './wasm-executor.ts';

const WIDTH = 64;
const clock = { now: () => performance.now() };

/** What an executor reports for a matrix of the given size. */
async function streams(
  bytes: number,
  options: Partial<WasmExecutorOptions>,
  type: BlockType = F16,
): Promise<KernelsInfo['streams']> {
  const vocabulary = bytes / (type.blockBytes * WIDTH);
  const p = new ProgramBuilder();
  const program = p.logits(p.embed(p.weight('x', [1, WIDTH]), 'token'), p.weight('head', [vocabulary, WIDTH]));
  const reader: WeightReader = {
    typeOf: () => type,
    readRows({ shape: [rows] }, { onRows }) {
      void onRows(new Uint8Array(rows * WIDTH * type.blockBytes), 0, rows);
      return Promise.resolve();
    },
  };
  const executor = await createWasmExecutor(program, reader, { kernels: testKernels(), cells: 8, ...options });
  return executor.kernels!.streams;
}

/** A store with known measurements that records what is stored. */
function keeping(known?: readonly number[]): Measurements & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    get: async (key) => (key.includes('places') ? known : undefined),
    set: async (key) => void keys.push(key),
  };
}

const LARGE = 20 * 2 ** 20;

it('times single tokens with eight streams and with two', async () => {
  const found = await streams(LARGE, { clock });
  expect(found.reason).toMatch(/^measured: one token takes [0-9.]+ ms with 8 streams, [0-9.]+ ms with 2$/);
  const [eight, two] = [...found.reason.matchAll(/[0-9.]+(?= ms)/g)].map(([ms]) => Number(ms));
  if (eight !== two) expect(found.count).toBe(eight < two ? 8 : 2);
});

it.each([
  { times: [5, 2], count: 2 },
  { times: [2, 5], count: 8 },
])('uses $count streams when $times ms are stored', async ({ times, count }) => {
  const measurements = keeping(times);
  const [eight, two] = times.map((ms) => `${ms}.00 ms`);
  const reason = `measured earlier on this computer: one token takes ${eight} with 8 streams, ${two} with 2`;
  expect(await streams(LARGE, { clock, measurements })).toEqual({ count, reason });
});

it('measures nothing if it makes no difference, without a clock, or with a given number', async () => {
  const measurements = keeping([5, 2]);
  const small = 'the weights fit in the CPU cache, so the number of streams makes no difference';
  expect(await streams(2 ** 20, { clock, measurements })).toEqual({ count: 8, reason: small });
  expect(await streams(LARGE, {})).toEqual({ count: 8, reason: 'no clock is available to measure with' });
  expect(await streams(LARGE, { clock, measurements, streams: 8 })).toEqual({ count: 8, reason: 'as requested' });
  expect(await streams(LARGE, { clock, streams: 2 })).toEqual({ count: 2, reason: 'as requested' });
  const ofFloat32 = { count: 4, reason: 'float32 weights always use 4 streams' };
  expect(await streams(LARGE, { clock, measurements }, F32)).toEqual(ofFloat32);
  expect(measurements.keys).toEqual([]);
});
