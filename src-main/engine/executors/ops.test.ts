import { describe, expect, it } from 'vitest';
import type { Program } from '../program/program.ts';
import type { WeightStore } from '../program/weights.ts';
import { testKernels } from '../test-support/kernels.ts';
import { batchOf } from './batch.ts';
import type { Executor } from './executor.ts';
import { caseProgram, type Matrix, OP_CASES, RESULT, takeCells } from './ops.cases.ts';
import { createReferenceExecutor } from './reference/reference-executor.ts';
import { createWasmExecutor } from './wasm/wasm-executor.ts';
import { storeReader } from './wasm/weights.ts';

const CELLS = 16;

interface ExecutorUnderTest {
  readonly name: string;
  create(program: Program, store: WeightStore): Promise<Executor>;
  /**
   * Maximum normalised mean square error, sum((found - expected)^2) / sum(expected^2), for an executor with coarser
   * arithmetic than the cases' own tolerances; null to use those.
   */
  readonly nmse: number | null;
}

/** Float32 sums, where adjacent values are 1.2e-7 apart: errors of a few of these, squared. */
const FLOAT32_NMSE = 1e-12;

const wasm = (variant: 'threads' | 'wide' | 'single' | 'simd'): ExecutorUnderTest => ({
  name: `wasm (${variant})`,
  create: (program, store) =>
    createWasmExecutor(program, storeReader(store), { kernels: testKernels(variant), cells: CELLS }),
  nmse: FLOAT32_NMSE,
});

/** All executors: a new one is a row here. */
const EXECUTORS: readonly ExecutorUnderTest[] = [
  {
    name: 'reference',
    create: (program, store) => Promise.resolve(createReferenceExecutor(program, store, { cells: CELLS })),
    nmse: null,
  },
  wasm('threads'),
  wasm('wide'),
  wasm('single'),
  wasm('simd'),
];

describe.each(EXECUTORS)('operations of the executor $name', ({ create, nmse }) => {
  it.each(OP_CASES.map((opCase) => [opCase.name, opCase] as const))('%s', async (_name, opCase) => {
    const { program, store, inputs, weights } = caseProgram(opCase);
    const executor = await create(program, store);
    const { slots, ids } = takeCells(opCase, CELLS);

    const result = await executor.run(batchOf(slots), { logits: [0], taps: [RESULT] });

    const found = result.taps.get(RESULT)!;
    const expected = ids.flatMap((sequence) => {
      const rows = inputs.map((table) => sequence.map((id) => table[id]));
      return opCase.expected(rows, weights);
    });
    expect(found.shape).toEqual([expected.length, expected[0].length]);
    if (nmse === null) expect(largestDifference(found.data, expected)).toBeLessThanOrEqual(opCase.tolerance);
    else expect(normalisedError(found.data, expected)).toBeLessThanOrEqual(opCase.tolerance === 0 ? 0 : nmse);
    await executor.dispose();
  });
});

function largestDifference(found: Float32Array, expected: Matrix): number {
  const flat = expected.flat();
  return found.reduce((largest, value, i) => {
    const difference = Math.abs(value - flat[i]);
    return Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }, 0);
}

function normalisedError(found: Float32Array, expected: Matrix): number {
  const flat = expected.flat();
  const error = found.reduce((sum, value, i) => sum + (value - flat[i]) ** 2, 0);
  if (error === 0) return 0;
  return Number.isNaN(error) ? Infinity : error / flat.reduce((sum, value) => sum + value ** 2, 0);
}
