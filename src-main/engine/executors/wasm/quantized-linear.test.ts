import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { ProgramBuilder, type Value } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import { BF16 } from '../../quant/bf16.ts';
import { type BlockType, rowBytes } from '../../quant/block-type.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import { writeF16 } from '../../quant/float16.ts';
import { IQ4_NL } from '../../quant/iq4_nl.ts';
import { IQ4_XS } from '../../quant/iq4_xs.ts';
import { Q3_K } from '../../quant/q3_k.ts';
import { Q4_0 } from '../../quant/q4_0.ts';
import { Q4_1 } from '../../quant/q4_1.ts';
import { Q4_K } from '../../quant/q4_k.ts';
import { Q5_0 } from '../../quant/q5_0.ts';
import { Q5_1 } from '../../quant/q5_1.ts';
import { Q5_K } from '../../quant/q5_k.ts';
import { Q6_K } from '../../quant/q6_k.ts';
import { Q8_0 } from '../../quant/q8_0.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { expectSameBits } from '../../test-support/same-bits.ts';
import { batchOf } from '../batch.ts';
import { createWasmExecutor } from './wasm-executor.ts';

/**
 * Sums of exact integers times scales, added in float32: adjacent values are 1.2e-7 apart. Types whose scales are
 * products also have these rounded to float16, at most 2.4e-4 of their value.
 */
const TYPES: readonly [type: BlockType, nmse: number][] = [
  [F32, 1e-12],
  [F16, 1e-12],
  [BF16, 1e-12],
  [Q8_0, 1e-12],
  [Q4_0, 1e-12],
  [Q4_1, 1e-12],
  [Q5_0, 1e-12],
  [Q5_1, 1e-12],
  [IQ4_NL, 1e-12],
  [Q4_K, 2e-6],
  [Q5_K, 2e-6],
  [Q6_K, 2e-6],
  [Q3_K, 2e-6],
  [IQ4_XS, 2e-6],
];

type Shape = readonly [rows: number, inputs: number, outputs: number];

interface Shapes {
  /** One of each kind: a single row, four together, leftover rows; outputs that fill panels and do not. */
  readonly always: readonly Shape[];
  readonly full: readonly Shape[];
}

const SHAPES: Shapes = {
  always: [
    [1, 512, 13],
    [7, 768, 72],
    // More panels than are finished together, in two streams and in eight; three rows left over, and two.
    [15, 256, 357],
    [6, 256, 600],
  ],
  full: [
    [1, 256, 8],
    [3, 256, 40],
    [4, 512, 33],
    [13, 256, 7],
    [18, 512, 20],
    [4, 256, 600],
    [2, 256, 357],
  ],
};

/** Floats have no blocks: any number of inputs is allowed. */
const ODD_SHAPES: Shapes = {
  always: [
    [1, 37, 9],
    [9, 67, 45],
  ],
  full: [
    [6, 39, 17],
    [5, 38, 8],
    [9, 1, 3],
    [3, 67, 45],
    [12, 30, 16],
  ],
};

/** An odd number of blocks of 32. */
const ODD_BLOCKS: Shapes = { always: [[6, 288, 45]], full: [[2, 288, 45]] };

const VARIANTS = ['threads', 'wide', 'simd'] as const;
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

function shapesFor({ blockSize }: BlockType): Shape[] {
  const kinds = [SHAPES, ...(blockSize <= 32 ? [ODD_BLOCKS] : []), ...(blockSize === 1 ? [ODD_SHAPES] : [])];
  return kinds.flatMap(({ always, full }) => [...always, ...(isFull ? full : [])]);
}

/** Inputs and expected results of one type and shape: the same for every variant. */
const cases = new Map<string, ReturnType<typeof makeCase>>();

function caseOf(type: BlockType, shape: Shape): ReturnType<typeof makeCase> {
  const key = `${type.name} ${shape.join()}`;
  const known = cases.get(key) ?? makeCase(type, shape);
  cases.set(key, known);
  return known;
}

function makeCase(type: BlockType, [rows, inputs, outputs]: Shape, sizeOf: (output: number) => number = () => 1) {
  const random = normalNumbers(rows * inputs + outputs);
  const x = Float32Array.from({ length: rows * inputs }, random);
  const w = Float32Array.from({ length: outputs * inputs }, (_, i) => random() * sizeOf(Math.floor(i / inputs)));
  const bias = Float32Array.from({ length: outputs }, random);
  const stored = storedRows(type, w);
  const values = new Float32Array(w.length);
  type.dequantize(stored, 0, values, 0, w.length / type.blockSize);
  const seen = type.blockSize > 1 ? quantized(x) : x;
  const sums = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let output = 0; output < outputs; output++) {
      let sum = bias[output] * sizeOf(output);
      for (let i = 0; i < inputs; i++) sum += seen[row * inputs + i] * values[output * inputs + i];
      sums[row * outputs + output] = sum;
    }
  }
  const sizedBias = bias.map((value, output) => value * sizeOf(output));
  return { type, x, stored, bias: sizedBias, rows, inputs, outputs, sums };
}

describe.each(VARIANTS)('linear operations of the %s kernels', (variant) => {
  describe.each(TYPES.map(([type, nmse]) => ({ type, nmse, name: type.name })))('$name', ({ type, nmse }) => {
    it.each(shapesFor(type))('[%d, %d] x [%d]', async (rows, inputs, outputs) => {
      const { sums, ...test } = caseOf(type, [rows, inputs, outputs]);
      const { taps, fewRows, rowAlone } = await runLinear(variant, test);
      let error = 0;
      let size = 0;
      sums.forEach((sum, i) => {
        error += (taps[i] - sum) ** 2;
        size += sum ** 2;
      });
      expect(error / size).toBeLessThan(nmse);
      // A row gives the same bits alone, among four and in a batch.
      expectSameBits(rowAlone, taps.slice(-outputs));
      expectSameBits(fewRows, taps.slice(0, fewRows.length));
    });
  });
});

describe.each(VARIANTS)('a table of embeddings in the %s kernels', (variant) => {
  it.each(TYPES.map(([type, nmse]) => ({ type, nmse, name: type.name })))(
    'has the values of $name',
    async ({ type, nmse }) => {
      const [rows, width] = [13, 256];
      const table = storedRows(type, Float32Array.from({ length: rows * width }, normalNumbers(11)));
      const expected = new Float32Array(rows * width);
      type.dequantize(table, 0, expected, 0, expected.length / type.blockSize);
      const p = new ProgramBuilder();
      const x = p.tap('x', p.embed(p.weight('table', [rows, width]), 'token'));
      const head = new Uint8Array(4 * rows * width);
      const reader: WeightReader = {
        typeOf: ({ name }) => (name === 'table' ? type : F32),
        readRows: async ({ name, shape: [count] }, { onRows }) => onRows(name === 'table' ? table : head, 0, count),
      };
      const program = p.logits(x, p.weight('head', [rows, width]));
      const executor = await createWasmExecutor(program, reader, { kernels: testKernels(variant), cells: rows });
      const ids = Array.from({ length: rows }, (_, row) => row);
      const { taps } = await executor.run(batchOf([new KvCache(rows).append(0, ids)]), { logits: [], taps: ['x'] });
      const { data } = taps.get('x')!;
      const error = expected.reduce((sum, value, i) => sum + (data[i] - value) ** 2, 0);
      expect(error / expected.reduce((sum, value) => sum + value ** 2, 0)).toBeLessThan(nmse);
    },
  );
});

/** Weights or scales below 2^-14: they are raised as they are packed, unless another of the matrix is too large for that. */
describe.each(VARIANTS)('subnormal float16 numbers in the %s kernels', (variant) => {
  describe.each([F16, Q8_0, Q4_0, Q4_1, IQ4_NL])('$name', (type) => {
    it.each([
      { beside: 'others like them', last: 2 ** -12 },
      { beside: 'large ones', last: 2 ** 14 },
    ])('beside $beside', async ({ last }) => {
      const [rows, inputs, outputs] = [5, 256, 45];
      const sizeOf = (output: number) => (output === outputs - 1 ? last : 2 ** -12);
      const { sums, ...test } = makeCase(type, [rows, inputs, outputs], sizeOf);
      const { taps, rowAlone } = await runLinear(variant, test);
      const small = Array.from(sums.keys()).filter((i) => i % outputs < outputs - 1);
      const error = small.reduce((sum, i) => sum + (taps[i] - sums[i]) ** 2, 0);
      const size = small.reduce((sum, i) => sum + sums[i] ** 2, 0);
      expect(error / size).toBeLessThan(1e-12);
      expect(taps[outputs - 1] / sums[outputs - 1]).toBeCloseTo(1, 5);
      expectSameBits(rowAlone, taps.slice(-outputs));
    });
  });
});

/** Epilogues of the outputs. */
const AFTER: Record<string, NonNullable<LinearCase['after']>> = {
  'stored as they are': (_, y) => y,
  'through SiLU and multiplied': (p, y, other) => p.mul(p.silu(y), other),
  'through GELU': (p, y) => p.gelu(y),
  'through ReLU': (p, y) => p.relu(y),
  added: (p, y, other) => p.add(other, y),
};

describe.each([F16, BF16, F32, Q8_0, Q4_1, Q5_0, Q5_1])('$name in 256 bits', (type) => {
  describe.each(Object.entries(AFTER))('%s', (_name, after) => {
    it.each(shapesFor(type))('gives the same bits as 128: [%d, %d] x [%d]', async (rows, inputs, outputs) => {
      const { sums: _, ...test } = caseOf(type, [rows, inputs, outputs]);
      expectSameRuns(await runLinear('wide', { ...test, after }), await runLinear('threads', { ...test, after }));
    });
  });
});

/** As on machines without an instruction for 32-bit sums of 8-bit products. */
describe.each(['threads', 'wide'] as const)('sums of 16 bits in the %s kernels', (variant) => {
  it.each([
    { type: Q4_0, rows: 7, outputs: 45 },
    { type: Q4_1, rows: 6, outputs: 45 },
    { type: Q4_K, rows: 5, outputs: 45 },
    { type: Q4_K, rows: 1, outputs: 256 },
    // Enough rows to unpack panels, of which one is left over.
    { type: Q4_0, rows: 18, outputs: 40 },
    { type: Q4_1, rows: 19, outputs: 72 },
    { type: Q3_K, rows: 1, outputs: 256 },
    { type: Q3_K, rows: 7, outputs: 45 },
    { type: Q3_K, rows: 18, outputs: 40 },
  ])('give the same bits in $type.name as sums of 32: $rows x $outputs', async ({ type, rows, outputs }) => {
    const inputs = 512;
    const random = normalNumbers(3);
    const x = Float32Array.from({ length: rows * inputs }, random);
    const stored = storedRows(type, Float32Array.from({ length: outputs * inputs }, random));
    const test = { type, x, stored, bias: new Float32Array(outputs), rows, inputs, outputs };
    expectSameRuns(await runLinear(variant, { ...test, sums: 'i16' }), await runLinear(variant, test));
  });
});

/** Codes times powers of two: every product, sum and scale is exact in float32. */
describe.each(VARIANTS)('integer sums of the %s kernels', (variant) => {
  it.each([Q8_0, Q4_0, Q4_1])('are exact in $name', async (type) => {
    const [rows, inputs, outputs] = [5, 96, 11];
    const integers = normalNumbers(7);
    const x = Float32Array.from({ length: rows * inputs }, (_, i) => {
      // The largest of each block is 127, so its scale is 1 and the codes are the values.
      return i % 32 === 0 ? 127 : Math.max(-127, Math.min(127, Math.round(integers() * 50)));
    });
    const w = Float32Array.from({ length: outputs * inputs }, (_, i) => {
      const extremes = { Q8_0: [127], Q4_0: [-8], Q4_1: [0, 15] }[type.name] ?? [];
      if (i % 32 < extremes.length) return extremes[i % 32];
      const code = Math.round(Math.abs(integers()) * 5) % 16;
      return type.name === 'Q4_1' ? code : type.name === 'Q4_0' ? code - 8 : code * 16 - 127;
    });
    const stored = storedRows(type, w);
    const { taps } = await runLinear(variant, {
      ...{ type, x, stored, rows, inputs, outputs },
      bias: new Float32Array(outputs),
    });
    const expected = Float32Array.from({ length: rows * outputs }, (_, at) => {
      const [row, output] = [Math.floor(at / outputs), at % outputs];
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * w[output * inputs + i];
      return sum;
    });
    expect(taps).toEqual(expected);
  });
});

interface LinearCase {
  readonly type: BlockType;
  readonly x: Float32Array;
  readonly stored: Uint8Array;
  readonly bias: Float32Array;
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly sums?: 'i16';
  /** Epilogue of the outputs, given as many other values. */
  readonly after?: (p: ProgramBuilder, y: Value, other: Value) => Value;
}

async function runLinear(variant: (typeof VARIANTS)[number], test: LinearCase) {
  const { type, x, stored, bias, rows, inputs, outputs, sums } = test;
  const p = new ProgramBuilder();
  let y = p.linear(
    p.embed(p.weight('x', [rows, inputs]), 'token'),
    p.weight('w', [outputs, inputs]),
    p.weight('bias', [outputs]),
  );
  if (test.after) y = test.after(p, y, p.embed(p.weight('head', [rows, outputs]), 'token'));
  const program = p.logits(p.tap('y', y), p.weight('head', [rows, outputs]));
  const head = Float32Array.from({ length: rows * outputs }, normalNumbers(outputs));
  const floats: Record<string, Float32Array> = { x, bias, head };
  const reader: WeightReader = {
    typeOf: ({ name }) => (name === 'w' ? type : F32),
    readRows({ name, shape }, { onRows }) {
      const all = name === 'w' ? stored : new Uint8Array(floats[name].buffer);
      const count = shape.length > 1 ? shape[0] : 1;
      // In slices that do not end with a panel.
      for (let row = 0; row < count; row += 5) {
        const size = all.length / count;
        const rowsHere = Math.min(5, count - row);
        void onRows(all.slice(row * size, (row + rowsHere) * size), row, rowsHere);
      }
      return Promise.resolve();
    },
  };
  const options = { kernels: testKernels(variant), cells: 32, sums };
  const executors = [
    await createWasmExecutor(program, reader, { ...options, streams: 8 }),
    await createWasmExecutor(program, reader, { ...options, streams: 2 }),
  ];
  const tokens = Array.from({ length: rows }, (_, row) => row);
  const run = async (ids: number[]) => {
    const [fromEight, fromTwo] = await Promise.all(
      executors.map(async (executor) => {
        const result = await executor.run(batchOf([new KvCache(32).append(0, ids)]), { logits: [], taps: ['y'] });
        return result.taps.get('y')!.data;
      }),
    );
    expectSameBits(fromTwo, fromEight);
    return fromEight;
  };
  return { taps: await run(tokens), fewRows: await run(tokens.slice(0, 5)), rowAlone: await run([rows - 1]) };
}

type LinearRun = Awaited<ReturnType<typeof runLinear>>;

function expectSameRuns(found: LinearRun, expected: LinearRun): void {
  for (const part of ['taps', 'fewRows', 'rowAlone'] as const) expectSameBits(found[part], expected[part]);
}

function storedRows(type: BlockType, values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(rowBytes(type, values.length));
  if (type === F32) return new Uint8Array(values.slice().buffer);
  if (type === BF16) return upperHalves(values);
  if (type.quantize) type.quantize(values, 0, bytes, 0, values.length / type.blockSize);
  else fillBlocks(type, bytes, values.length);
  return bytes;
}

function upperHalves(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.slice().buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}

/** Any bytes are valid codes; only the float16 scales, which come first except for Q3_K, must be reasonable. */
function fillBlocks(type: BlockType, bytes: Uint8Array, seed: number): void {
  const random = normalNumbers(seed);
  bytes.forEach((_, i) => (bytes[i] = Math.floor(Math.abs(random()) * 997) & 255));
  for (let at = 0; at < bytes.length; at += type.blockBytes) {
    writeF16(bytes, at + (type === Q3_K ? 108 : 0), 0.01 * random());
    if (type === Q5_1 || type === Q5_K) writeF16(bytes, at + 2, 0.1 * random());
  }
}

/** The activations rounded to 8-bit codes: blocks of 32, the largest magnitude is 127. */
function quantized(x: Float32Array): Float32Array {
  const { fround } = Math;
  const result = new Float32Array(x.length);
  for (let block = 0; block < x.length; block += 32) {
    const largest = x.subarray(block, block + 32).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const [scale, inverse] = [fround(largest / 127), fround(127 / largest)];
    for (let i = block; i < block + 32; i++) {
      const scaled = fround(x[i] * inverse);
      const floor = Math.floor(scaled);
      // Halves to even.
      const code = scaled - floor === 0.5 ? floor + (floor & 1) : Math.round(scaled);
      result[i] = scale * code;
    }
  }
  return result;
}

function normalNumbers(seed: number): () => number {
  let state = seed + 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
