import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import type { KernelVariant } from '../../../hosts/node/kernels.ts';
import { Lanes } from '../../generation/lanes.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { Program } from '../../program/program.ts';
import type { WeightStore } from '../../program/weights.ts';
import { readF16, writeF16 } from '../../quant/float16.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { equalBits } from '../../test-support/prompt-and-steps.ts';
import type { KvCacheType } from '../../api/types.ts';
import { batchOf } from '../batch.ts';
import type { Executor, RunResult } from '../executor.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';
import type { StreamCount } from './run-inputs.ts';
import { createWasmExecutor, type WasmExecutorOptions } from './wasm-executor.ts';
import { storeReader } from './weights.ts';

/** Tokens of a prompt, and of single steps after it: more than two chunks of 128 entries. */
const PROMPT = 290;
const STEPS = 6;
const CELLS = 1300;
const VOCABULARY = 40;

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window?: number;
  readonly softcap?: number;
  readonly scale?: number;
}

const SHAPES: readonly Shape[] = [
  { heads: 9, kvHeads: 3, headDim: 64 },
  { heads: 4, kvHeads: 4, headDim: 20 },
  { heads: 5, kvHeads: 1, headDim: 32, window: 100 },
  { heads: 4, kvHeads: 2, headDim: 12, softcap: 2 },
  { heads: 14, kvHeads: 2, headDim: 16, window: 150, softcap: 3 },
  { heads: 2, kvHeads: 1, headDim: 40, scale: -0.5 },
  { heads: 1, kvHeads: 1, headDim: 80, window: 7 },
];
/**
 * Several heads that share one K/V head, everything combined, and a head width that is not a multiple of 16; all shapes
 * in the full run.
 */
const BITS_SHAPES = process.env.TOKENSCOPE_TEST_FULL === '1' ? SHAPES : [SHAPES[0], SHAPES[4], SHAPES[5]];

/**
 * Float32 sums, where adjacent values are 1.2e-7 apart; K and V rounded to 11 bits, at most 2.4e-4 of their value; to 8
 * bits, 0.4 % of the largest of their head.
 */
const NMSE: Readonly<Record<KvCacheType, number>> = { f32: 1e-11, f16: 1e-6, q8: 1e-3 };
const TYPES = Object.keys(NMSE) as KvCacheType[];

const name = ({ heads, kvHeads, headDim, window, softcap }: Shape) =>
  `${heads}/${kvHeads} heads of ${headDim}${window ? `, window ${window}` : ''}${softcap ? ', soft-capped' : ''}`;

describe.each(TYPES)('attention to K and V in %s', (kvCacheType) => {
  it.each(SHAPES.map((shape) => [name(shape), shape] as const))(
    '%s: matches the reference executor',
    async (_, shape) => {
      const { program, store } = model(shape);
      const expected = await promptAndSteps(createReferenceExecutor(program, store, { cells: CELLS }));
      for (const variant of ['threads', 'simd'] as const) {
        const options = { kernels: testKernels(variant), cells: CELLS, kvCacheType };
        const found = await promptAndSteps(await createWasmExecutor(program, storeReader(store), options));
        expect(normalisedError(found, expected)).toBeLessThan(NMSE[kvCacheType]);
      }
    },
  );

  it.each(BITS_SHAPES.map((shape) => [name(shape), shape] as const))(
    '%s: the same bits in 256 bits as in 128, in any batch and lane',
    async (_, shape) => {
      const { program, store } = model(shape);
      const open = (variant: KernelVariant, streams: StreamCount) =>
        createWasmExecutor(program, storeReader(store), {
          ...{ kernels: testKernels(variant), cells: CELLS, kvCacheType, streams },
        });
      const expected = await promptAndSteps(await open('threads', 8));
      for (const wide of [await open('wide', 8), await open('wide', 2)]) {
        expect(equalBits(await promptAndSteps(wide), expected)).toBe(true);
        expect(equalBits(await inOneBatch(wide), expected)).toBe(true);
        expect(equalBits(await inLanes(wide), expected)).toBe(true);
      }
    },
  );

  it.each(BITS_SHAPES.map((shape) => [name(shape), shape] as const))(
    '%s: the same bits on any number of threads, in any batch and lane',
    async (_, shape) => {
      const { program, store } = model(shape);
      const open = (count: number, streams: StreamCount) =>
        createWasmExecutor(program, storeReader(store), {
          ...{ kernels: testKernels(), cells: CELLS, kvCacheType, streams },
          threads: { count, host: nodeKernelThreads() },
        });
      const [one, two, three] = await Promise.all([open(1, 8), open(2, 2), open(3, 8)]);
      const expected = await promptAndSteps(one);
      expect(equalBits(await promptAndSteps(two), expected)).toBe(true);
      expect(equalBits(await promptAndSteps(three), expected)).toBe(true);
      for (const executor of [one, three]) {
        expect(equalBits(await inOneBatch(executor), expected)).toBe(true);
        expect(equalBits(await inLanes(executor), expected)).toBe(true);
      }
      for (const executor of [one, two, three]) await executor.dispose();
    },
  );
});

describe('K and V in float16', () => {
  it('are their float32 values, rounded to nearest', async () => {
    // One value of each kind: all bit patterns of float16, values between two of them, and values too large or too small.
    const values = [0, -0, 1e-8, -3e-8, 2 ** -25, 2 ** -24, 3 * 2 ** -25, 2 ** -14, 6.0e-5, 65504, 65519, 1e6, -7e7];
    for (let bits = 1; bits < 0x7c00; bits += 97) {
      const value = readF16(Uint8Array.of(bits & 255, bits >> 8), 0);
      const next = readF16(Uint8Array.of((bits + 1) & 255, (bits + 1) >> 8), 0);
      if (Number.isFinite(next))
        values.push(value, -next, (value + next) / 2, value + (next - value) * 0.49, -value * 1.0003);
    }
    const headDim = 8 * Math.ceil(values.length / 8);
    const table = new Float32Array(headDim);
    table.set(values);
    const { program, store } = model(
      { heads: 1, kvHeads: 1, headDim },
      (tensor) => {
        return tensor === 'v' ? table : new Float32Array(headDim);
      },
      1,
    );
    const executor = await createWasmExecutor(program, storeReader(store), {
      ...{ kernels: testKernels(), cells: 1, kvCacheType: 'f16' },
    });
    // One token that attends to itself only: its output is its V.
    const { taps } = await executor.run(batchOf([new KvCache(1).append(0, [0])]), { logits: [0], taps: ['out'] });
    const expected = [...table].map((value) => {
      const bytes = new Uint8Array(2);
      writeF16(bytes, 0, Math.max(-65504, Math.min(65504, value)));
      // Adding zero turns -0 into 0.
      return readF16(bytes, 0) + 0;
    });
    expect([...taps.get('out')!.data]).toEqual(expected);
  });
});

describe.each(['threads', 'wide', 'simd'] as const)('a NaN key in the %s kernels', (variant) => {
  it.each([1, 6, 20])('makes everything that attends to it NaN: %d rows at once', async (rows) => {
    const [seen, count, headDim] = [5, 20, 16];
    const { program, store } = model({ heads: 2, kvHeads: 1, headDim }, (tensor, length) => {
      const values = randomValues(tensor, length);
      if (tensor === 'k') values[id(seen) * headDim + 3] = NaN;
      return values;
    });
    const options = { kernels: testKernels(variant), cells: CELLS, kvCacheType: 'f32' } as const;
    const executor = await createWasmExecutor(program, storeReader(store), options);
    const cache = new KvCache(CELLS);
    const found: number[] = [];
    for (let row = 0; row < count; row += rows) {
      const batch = batchOf([cache.append(0, ids(row, Math.min(row + rows, count)))]);
      const { taps } = await executor.run(batch, { logits: [0], taps: ['out'] });
      found.push(...taps.get('out')!.data);
    }
    const first = seen * 2 * headDim;
    expect(found.slice(0, first).every(Number.isFinite)).toBe(true);
    expect(found.slice(first).every(Number.isNaN)).toBe(true);
  });
});

describe.each(['threads', 'wide', 'simd'] as const)('a NaN that the %s kernels store in float16', (variant) => {
  it.each([
    ['k', 16, 1],
    ['v', 16, 6],
    ['k', 16, 20],
    // Stored after the whole vectors.
    ['k', 12, 1],
    ['v', 12, 20],
  ])('is an error: in %s, heads of %d values, %d rows at once', async (tensor, headDim, rows) => {
    const seen = 5;
    const executor = await withNaN({ tensor, headDim, token: id(seen) }, { kernels: testKernels(variant) });
    const cache = new KvCache(CELLS);
    const run = (from: number) => executor.run(batchOf([cache.append(0, ids(from, from + rows))]), { logits: [0] });
    let row = 0;
    for (; row + rows <= seen; row += rows) expect(await hasNumbers(await run(row))).toBe(true);
    await expect(run(row)).rejects.toMatchObject(NOT_NUMBERS);
    // Other tokens are as before.
    const others = await executor.run(batchOf([new KvCache(CELLS).append(0, ids(0, seen))]), { logits: [0] });
    expect(await hasNumbers(others)).toBe(true);
  });
});

describe('a NaN in float16', () => {
  it('is reported by any thread', async () => {
    const options = { kernels: testKernels(), threads: { count: 3, host: nodeKernelThreads() } };
    for (const seen of [0, 7, 19]) {
      const executor = await withNaN({ tensor: 'v', headDim: 16, token: id(seen) }, options);
      const run = executor.run(batchOf([new KvCache(CELLS).append(0, ids(0, 20))]), { logits: [0] });
      await expect(run).rejects.toMatchObject(NOT_NUMBERS);
      await executor.dispose();
    }
  });

  it('of the token that is timed does not keep the model from loading', async () => {
    const clock = { now: () => performance.now() };
    const threads = { count: clock, host: { ...nodeKernelThreads(), available: 2 } };
    const executor = await withNaN({ tensor: 'k', headDim: 16, token: 0 }, { kernels: testKernels(), threads });
    expect(executor.kernels?.reason).toMatch(/^measured: one token takes /);
    const run = (token: number) => {
      return executor.run(batchOf([new KvCache(CELLS).append(0, [token])]), { logits: [0] });
    };
    expect(await hasNumbers(await run(1))).toBe(true);
    await expect(run(0)).rejects.toMatchObject(NOT_NUMBERS);
    await executor.dispose();
  });

  it('of one lane leaves the others alone', async () => {
    const executor = await withNaN({ tensor: 'k', headDim: 16, token: id(5) }, { kernels: testKernels() });
    const prompts = [ids(0, 5), ids(5, 7), ids(10, 12)];
    const lanes = new Lanes({
      ...{ executor, block: await executor.allocateCells(30), shared: [], maxRows: CELLS },
      lanes: prompts.map(() => ({ own: 10, shares: true })),
    });
    const outputs = { logits: [1] };
    const runs = prompts.map((tokens, lane) => lanes.window(lane).run(tokens, outputs));
    await expect(runs[1]).rejects.toMatchObject(NOT_NUMBERS);
    for (const lane of [0, 2]) {
      const [found] = (await runs[lane]).logits;
      const { logits } = await executor.run(batchOf([new KvCache(CELLS).append(0, prompts[lane])]), outputs);
      expect(await found.read()).toEqual(await logits[0].read());
    }
  });
});

const NOT_NUMBERS = { code: 'INTERNAL', message: expect.stringContaining('logits are not numbers') as string };

/** An executor with K and V in float16, and NaN as the last value of one token's k or v. */
function withNaN(
  { tensor, headDim, token }: { tensor: string; headDim: number; token: number },
  options: Pick<WasmExecutorOptions, 'kernels' | 'threads'>,
): Promise<Executor> {
  const { program, store } = model({ heads: 2, kvHeads: 1, headDim }, (name, length) => {
    const values = randomValues(name, length);
    if (name === tensor) values[(token + 1) * headDim - 1] = NaN;
    return values;
  });
  return createWasmExecutor(program, storeReader(store), { ...options, cells: CELLS, kvCacheType: 'f16' });
}

async function hasNumbers({ logits }: RunResult): Promise<boolean> {
  return (await logits[0].read()).every(Number.isFinite);
}

/** Attention whose q, k and v are rows of tables, so that nothing else is computed. */
function model(
  { heads, kvHeads, headDim, window, softcap, scale = 1 / Math.sqrt(headDim) }: Shape,
  values: (tensor: string, length: number) => Float32Array = randomValues,
  vocabulary = VOCABULARY,
): { program: Program; store: WeightStore } {
  const p = new ProgramBuilder();
  const table = (tensor: string, count: number) => p.embed(p.weight(tensor, [vocabulary, count * headDim]), 'token');
  const y = p.attention(table('q', heads), table('k', kvHeads), table('v', kvHeads), {
    ...{ layer: 0, heads, kvHeads, headDim, scale, causal: true, weightsTap: null },
    ...{ softcap: softcap ?? null, window: window ?? null },
  });
  p.tap('out', y);
  const head = p.weight('head', [vocabulary, y.width]);
  const program = p.logits(y, head);
  const data = new Map(program.weights.map(({ name, shape }) => [name, values(name, shape[0] * shape[1])]));
  const shapes = new Map(program.weights.map(({ name, shape }) => [name, shape]));
  const store: WeightStore = {
    bytes: 0,
    get: (tensor) => new Tensor(shapes.get(tensor)!, data.get(tensor)!),
  };
  return { program, store };
}

/** From -2 to 2, determined by the name. */
function randomValues(tensor: string, length: number): Float32Array {
  let state = tensor.charCodeAt(0);
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

const id = (i: number) => (i * 37 + 11) % VOCABULARY;
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => id(from + i));

/** Logits of the last rows of a prompt, and of single tokens after it. */
async function promptAndSteps(executor: Executor): Promise<Float32Array[]> {
  const cache = new KvCache(CELLS);
  const rows = [...Array(STEPS).keys()].map((i) => PROMPT - STEPS + i);
  const { logits } = await executor.run(batchOf([cache.append(0, ids(0, PROMPT))]), { logits: rows });
  const found = await Promise.all(logits.map((handle) => handle.read()));
  for (let step = 0; step < STEPS; step++) {
    const run = await executor.run(batchOf([cache.append(0, [id(PROMPT + step)])]), { logits: [0] });
    found.push(await run.logits[0].read());
  }
  return found;
}

async function inOneBatch(executor: Executor): Promise<Float32Array[]> {
  const rows = [...Array(2 * STEPS).keys()].map((i) => PROMPT - STEPS + i);
  const batch = batchOf([new KvCache(CELLS).append(0, ids(0, PROMPT + STEPS))]);
  const { logits } = await executor.run(batch, { logits: rows });
  return Promise.all(logits.map((handle) => handle.read()));
}

/** The steps beside two other sequences, one of which shares the prompt's cells, in scattered cells. */
async function inLanes(executor: Executor): Promise<Float32Array[]> {
  const cache = new KvCache(CELLS);
  cache.append(9, ids(0, 3));
  cache.append(8, ids(0, 5));
  cache.release(9);
  const rows = [...Array(STEPS).keys()].map((i) => PROMPT - STEPS + i);
  const prompt = await executor.run(batchOf([cache.append(0, ids(0, PROMPT))]), { logits: rows });
  const found = await Promise.all(prompt.logits.map((handle) => handle.read()));
  cache.fork(0, 1, PROMPT - 7);
  for (let step = 0; step < STEPS; step++) {
    const others = [cache.append(1, [id(step)]), cache.append(8, [id(3 * step)])];
    const run = await executor.run(batchOf([others[0], cache.append(0, [id(PROMPT + step)]), others[1]]), {
      logits: [1],
    });
    found.push(await run.logits[0].read());
  }
  return found;
}

function normalisedError(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let error = 0;
  let size = 0;
  expected.forEach((row, r) =>
    row.forEach((value, i) => {
      error += (found[r][i] - value) ** 2;
      size += value ** 2;
    }),
  );
  return Number.isNaN(error) ? Infinity : error / size;
}
