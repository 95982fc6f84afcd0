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

/** What an executor says of a matrix of so many bytes. */
async function places(
  bytes: number,
  options: Partial<WasmExecutorOptions>,
  type: BlockType = F16,
): Promise<KernelsInfo['places']> {
  const vocabulary = bytes / (type.blockBytes * WIDTH);
  const p = new ProgramBuilder();
  const program = p.logits(p.embed(p.weight('x', [1, WIDTH]), 'token'), p.weight('head', [vocabulary, WIDTH]));
  const reader: WeightReader = {
    typeOf: () => type,
    readRows({ shape: [rows] }, { onRows }) {
      onRows(new Uint8Array(rows * WIDTH * type.blockBytes), 0, rows);
      return Promise.resolve();
    },
  };
  const executor = await createWasmExecutor(program, reader, { kernels: testKernels(), cells: 8, ...options });
  return executor.kernels!.places;
}

/** A store that knows what was measured, and what it was asked to keep. */
function keeping(known?: readonly number[]): Measurements & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    get: async (key) => (key.includes('places') ? known : undefined),
    set: async (key) => void keys.push(key),
  };
}

const LARGE = 20 * 2 ** 20;

it('times single tokens from eight places and from two', async () => {
  const found = await places(LARGE, { clock });
  expect(found.reason).toMatch(/^measured: one token takes [0-9.]+ ms with 8 streams, [0-9.]+ ms with 2$/);
  const [eight, two] = [...found.reason.matchAll(/[0-9.]+(?= ms)/g)].map(([ms]) => Number(ms));
  if (eight !== two) expect(found.count).toBe(eight < two ? 8 : 2);
});

it.each([
  { times: [5, 2], count: 2 },
  { times: [2, 5], count: 8 },
])('reads from $count where $times ms are kept', async ({ times, count }) => {
  const measurements = keeping(times);
  const [eight, two] = times.map((ms) => `${ms}.00 ms`);
  const reason = `measured earlier on this computer: one token takes ${eight} with 8 streams, ${two} with 2`;
  expect(await places(LARGE, { clock, measurements })).toEqual({ count, reason });
});

it('measures nothing where it makes no difference, without a clock, or where it was told', async () => {
  const measurements = keeping([5, 2]);
  const small = 'the weights fit in the CPU cache, so the number of streams makes no difference';
  expect(await places(2 ** 20, { clock, measurements })).toEqual({ count: 8, reason: small });
  expect(await places(LARGE, {})).toEqual({ count: 8, reason: 'no clock is available to measure with' });
  expect(await places(LARGE, { clock, measurements, places: 8 })).toEqual({ count: 8, reason: 'as requested' });
  expect(await places(LARGE, { clock, places: 2 })).toEqual({ count: 2, reason: 'as requested' });
  const ofFloat32 = { count: 4, reason: 'float32 weights always use 4 streams' };
  expect(await places(LARGE, { clock, measurements }, F32)).toEqual(ofFloat32);
  expect(measurements.keys).toEqual([]);
});
