/** Every type of weights unpacked by its shader, against ggml's values. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import { rowBytes, type BlockType } from '../../quant/block-type.ts';
import { writeF16 } from '../../quant/float16.ts';
import { F32 } from '../../quant/f32.ts';
import { BLOCK_TYPES } from '../../quant/registry.ts';
import { gpuInFullRun, sharedDevice } from '../../test-support/gpu.ts';
import { batchOf } from '../batch.ts';
import { createWebGpuExecutor } from './webgpu-executor.ts';
import { packingOf, rowBytesOf } from './weight-layouts.ts';

const gpu = await gpuInFullRun();

const ROWS = 5;
/** An odd number of large blocks, so that fields of two bytes do not fill whole words. */
const WIDTH = 768;

/** Two roundings to float32 of a product of scales: 1 ULP each, relative to the block's largest value. */
const TOLERANCE = 4e-7;

/** Bytes of a tensor: random codes, with scales between 0.5 and 1 in the fields of two bytes, which must be finite. */
function randomRows(type: BlockType): Uint8Array {
  let state = type.id + 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  const bytes = Uint8Array.from({ length: ROWS * rowBytes(type, WIDTH) }, () => next() & 255);
  if (type.blockSize === 1) {
    const values = bytes.length / type.blockBytes;
    const floats = Float32Array.from({ length: values }, () => next() / 2 ** 30 - 1);
    if (type === F32) return new Uint8Array(floats.buffer);
    const words = new Uint32Array(floats.buffer);
    for (let i = 0; i < values; i++) {
      if (type.name === 'F16') writeF16(bytes, 2 * i, floats[i]);
      else bytes.set([(words[i] >> 16) & 255, words[i] >>> 24], 2 * i);
    }
    return bytes;
  }
  const scales: Readonly<Record<string, readonly number[]>> = { Q6_K: [208], Q4_1: [0, 2], Q5_1: [0, 2], Q4_K: [0, 2], Q5_K: [0, 2] }; // prettier-ignore
  const others: Readonly<Record<string, readonly number[]>> = { Q2_K: [80, 82], Q3_K: [108], MXFP4: [] };
  for (let at = 0; at < bytes.length; at += type.blockBytes) {
    for (const field of scales[type.name] ?? others[type.name] ?? [0]) {
      writeF16(bytes, at + field, 0.5 + next() / 2 ** 32);
    }
    // A power of two as exponent, in the middle of its range.
    if (type.name === 'MXFP4') bytes[at] = 120 + (bytes[at] & 7);
  }
  return bytes;
}

describe('layouts of weights on the GPU', () => {
  it('take no more bytes than the file, except that rows are whole words', () => {
    for (const type of BLOCK_TYPES) {
      const { layout } = packingOf(type, WIDTH);
      if (layout.name !== type.name) continue;
      expect(rowBytesOf(layout, WIDTH)).toBeLessThanOrEqual(rowBytes(type, WIDTH) + 4 * layout.fields.length);
    }
  });

  it.each(['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ4_NL', 'IQ4_XS'])(
    'keep %s as it is',
    (name) => {
      const type = BLOCK_TYPES.find((other) => other.name === name)!;
      expect(packingOf(type, WIDTH).layout.name).toBe(name);
    },
  );
});

describe.skipIf(gpu === null)('weights unpacked on the GPU (in the full run, with an adapter)', () => {
  it.each(BLOCK_TYPES.map((type) => [type.name, type] as const))('%s', { timeout: 400_000 }, async (_, type) => {
    const bytes = randomRows(type);
    const expected = new Float32Array(ROWS * WIDTH);
    type.dequantize(bytes, 0, expected, 0, expected.length / type.blockSize);
    const p = new ProgramBuilder();
    const rows = p.tap('rows', p.embed(p.weight('table', [ROWS, WIDTH]), 'token'));
    const program = p.logits(rows, p.weight('head', [ROWS, WIDTH]));
    const head = new Uint8Array(4 * ROWS * WIDTH);
    const reader: WeightReader = {
      typeOf: ({ name }) => (name === 'table' ? type : F32),
      readRows({ name }, { onRows }) {
        void onRows(name === 'table' ? bytes : head, 0, ROWS);
        return Promise.resolve();
      },
    };
    const executor = await createWebGpuExecutor(program, reader, { device: await sharedDevice(gpu!), cells: ROWS });
    const batch = batchOf([new KvCache(ROWS).append(0, [0, 1, 2, 3, 4])]);
    const { taps } = await executor.run(batch, { logits: [], taps: ['rows'] });
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const isConverted = packingOf(type, WIDTH).layout.name !== type.name;
    // Other types become Q8_0: half a step of 1/127.
    const tolerance = largest * (isConverted ? 0.5 / 127 + 1e-3 : TOLERANCE);
    const found = taps.get('rows')!.data;
    expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i])))).toBeLessThanOrEqual(tolerance);
    await executor.dispose();
  });
});
