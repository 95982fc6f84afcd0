import { expect, it, onTestFinished } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { BLOCK_TYPES } from '../../quant/registry.ts';
import { rowBytes } from '../../quant/block-type.ts';
import { writeF16 } from '../../quant/float16.ts';
import { WeightView } from '../../program/weights.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels } from './kernels.ts';
import * as L from './plan-layout.ts';
import { ThreadPool } from './thread-pool.ts';
import { packingOf } from './weight-layouts.ts';
import { WeightPacker } from './weight-packer.ts';

const WIDTH = 64;
/** The third panel has five rows, and three that are empty. */
const HEIGHT = 21;
const TYPES = ['F16', 'Q8_0', 'Q4_1'];
/** Too large to be raised, as a weight or a scale. */
const LARGE = 100;

/** Rows of a file whose float16 numbers are between 0.001 and 0.032, the last one apart. */
function storedRows(name: string, last: number): Uint8Array {
  const type = BLOCK_TYPES.find((one) => one.name === name)!;
  const bytes = Uint8Array.from({ length: rowBytes(type, HEIGHT * WIDTH) }, (_, i) => (i * 73 + (i >> 4)) & 255);
  const numbers = name === 'Q4_1' ? [0, 2] : [0];
  const blocks = bytes.length / type.blockBytes;
  for (let block = 0; block < blocks; block++) {
    const value = block === blocks - 1 ? last : ((block % 32) + 1) / 1000;
    for (const number of numbers) writeF16(bytes, block * type.blockBytes + number, value);
  }
  return bytes;
}

/** @param slices how many rows are packed at a time @param raised as the matrix should be */
async function pack(name: string, last: number, slices: readonly number[], threads: number, raised: number) {
  const kernels = testKernels(threads > 1 ? 'threads' : 'wide');
  const memory = new KernelMemory(kernels.shared);
  const started: { pool: ThreadPool | null } = { pool: null };
  const begin = (called: number) => started.pool?.call(0, called);
  const instance = { memory, kernels: instantiateKernels(kernels.module, memory.memory, { begin }) };
  const pool = await ThreadPool.start(kernels, [instance], nodeKernelThreads(), threads);
  started.pool = pool;
  onTestFinished(() => pool.stop());
  const type = BLOCK_TYPES.find((one) => one.name === name)!;
  const packing = packingOf(type, WIDTH, { codes: 'signed', sums: 'i32' });
  const size = Math.ceil(HEIGHT / 8) * 8 * packing.layout.bytes(WIDTH);
  const place = { at: memory.allocate(size, 'weights'), layout: packing.layout, width: WIDTH, raised };
  const view = new WeightView(name, [HEIGHT, WIDTH]);
  const packer = new WeightPacker(instance, 0, pool);
  const bytes = storedRows(name, last);
  const stride = bytes.length / HEIGHT;
  let firstRow = 0;
  for (const rows of slices) {
    const slice = bytes.subarray(firstRow * stride, (firstRow + rows) * stride);
    packer.pack(packing, WIDTH, { bytes: slice, firstRow, rows }, [{ view, place }]);
    firstRow += rows;
  }
  expect(firstRow).toBe(HEIGHT);
  return { raised: place.raised, bytes: memory.u8.slice(place.at, place.at + size) };
}

it.each(TYPES)(
  'rows of %s are packed alike at once and in slices that end within panels, on any threads',
  async (name) => {
    const whole = await pack(name, 0.01, [HEIGHT], 1, L.RAISED_BY);
    expect(whole.raised).toBe(L.RAISED_BY);
    for (const slices of [[5, 8, 8], [7, 2, 12], Array.from({ length: HEIGHT }, () => 1)]) {
      for (const threads of [1, 2]) expect(await pack(name, 0.01, slices, threads, L.RAISED_BY)).toEqual(whole);
    }
  },
);

it.each(TYPES)('every row of %s is raised, also those of a last panel that is not full', async (name) => {
  const plain = await pack(name, 0.01, [HEIGHT], 1, 0);
  const raised = await pack(name, 0.01, [16, 5], 1, L.RAISED_BY);
  const lastPanel = (plain.bytes.length / 3) * 2;
  expect(raised.bytes.subarray(lastPanel)).not.toEqual(plain.bytes.subarray(lastPanel));
  expect(raised.bytes.subarray(0, lastPanel)).not.toEqual(plain.bytes.subarray(0, lastPanel));
});

it.each(TYPES)('a number of the last row that is too large leaves all of %s as it is in the file', async (name) => {
  const plain = await pack(name, LARGE, [HEIGHT], 1, 0);
  for (const slices of [[HEIGHT], [16, 5], [20, 1]])
    expect(await pack(name, LARGE, slices, 2, L.RAISED_BY)).toEqual(plain);
});
