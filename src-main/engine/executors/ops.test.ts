import { describe, expect, it } from 'vitest';
import { KvCache, type SequenceSlots } from '../kv-cache/kv-cache.ts';
import { batchOf } from './batch.ts';
import type { Executor } from './executor.ts';
import { caseProgram, type Matrix, OP_CASES, type OpCase, RESULT } from './ops.cases.ts';
import { createReferenceExecutor } from './reference/reference-executor.ts';

const CELLS = 16;

/** Every executor there is: a new one is a row here. */
const EXECUTORS: [string, (...args: Parameters<typeof createReferenceExecutor>) => Executor][] = [
  ['reference', createReferenceExecutor],
];

describe.each(EXECUTORS)('operations of the %s executor', (_, create) => {
  it.each(OP_CASES.map((opCase) => [opCase.name, opCase] as const))('%s', async (_name, opCase) => {
    const { program, store, inputs, weights } = caseProgram(opCase);
    const executor = create(program, store, { cells: CELLS });
    const { slots, ids } = takeCells(opCase);

    const result = await executor.run(batchOf(slots), { logits: [0], taps: [RESULT] });

    const found = result.taps.get(RESULT)!;
    const expected = ids.flatMap((sequence) => {
      const rows = inputs.map((table) => sequence.map((id) => table[id]));
      return opCase.expected(rows, weights);
    });
    expect(found.shape).toEqual([expected.length, expected[0].length]);
    expect(largestDifference(found.data, expected)).toBeLessThanOrEqual(opCase.tolerance);
    await executor.dispose();
  });
});

/** Cells for the case's sequences, scattered: a sequence that came before has been released in part. */
function takeCells(opCase: OpCase): { slots: SequenceSlots[]; ids: number[][] } {
  const cache = new KvCache(CELLS);
  cache.append(100, [0, 0]);
  cache.append(101, [0]);
  cache.append(102, [0]);
  cache.release(100);
  cache.release(102);
  let next = 0;
  const ids = opCase.tokens.map((count) => Array.from({ length: count }, () => next++));
  return { slots: ids.map((sequence, i) => cache.append(i, sequence)), ids };
}

function largestDifference(found: Float32Array, expected: Matrix): number {
  const flat = expected.flat();
  return found.reduce((largest, value, i) => {
    const difference = Math.abs(value - flat[i]);
    return Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }, 0);
}
