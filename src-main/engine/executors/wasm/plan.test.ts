import { describe, expect, it } from 'vitest';
import { intervene } from '../../program/interventions.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { fromSource } from '../../models/opened-model.ts';
import { openSource } from '../../models/open-model.ts';
import { readerOf } from '../../models/weight-source.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { allocateBuffers } from './buffers.ts';
import { fuse } from '../fusion.ts';
import { MemoryCount } from './kernel-memory.ts';
import * as L from './plan-layout.ts';
import { inOneMemory, layersIn } from './placement.ts';
import { lower, NO_TAPS, type PlanMemory, type PlanOp } from './plan.ts';
import { placeWeights } from './weights.ts';

describe('the plan of a layer', () => {
  it('synchronises threads five times per token', async () => {
    const opened = fromSource(await openSource(await tinyGgufFiles('llama-d256.Q4_K_M')));
    const program = opened.buildProgram(64);
    const plan = lower(program, fuse(program), planMemoryOf(program, readerOf(opened.weights)), NO_TAPS);
    const layers = program.kvWidths.length;
    expect(layers).toBeGreaterThan(1);
    // Before the first layer the token's row is looked up.
    expect(barriers(plan)).toBe(5 * layers + 1);
    await opened.close();
  });
});

describe('a program without interventions', () => {
  it('is the same program, so it has the same plan; one with interventions leaves it alone', async () => {
    const opened = fromSource(await openSource(await tinyGgufFiles('llama-d256.Q4_K_M')));
    const program = opened.buildProgram(64);
    const plan = planMemoryOf(program, readerOf(opened.weights));
    const planOf = (of: Program) => lower(of, fuse(of), plan, NO_TAPS);
    const before = planOf(program);
    const changed = intervene(program, [{ kind: 'head', layer: 0, head: 0 }]);
    expect(changed.ops.length).toBe(program.ops.length + 1);
    expect(intervene(program, [])).toBe(program);
    // A replaced token changes the prompt only.
    expect(intervene(program, [{ kind: 'token', index: 0, id: 1 }])).toBe(program);
    expect(planOf(intervene(program, []))).toEqual(before);
    await opened.close();
  });
});

function planMemoryOf(program: Program, reader: WeightReader): PlanMemory {
  const memory = new MemoryCount();
  const placement = inOneMemory(program);
  const { packed } = placeWeights(program, reader, [memory], placement, { codes: 'unsigned', sums: 'i32' });
  const size = { cells: 64, rows: 64, logitRows: 8, kvCacheType: 'f16' as const };
  return allocateBuffers(program, fuse(program), packed[0], layersIn(placement, 0), memory, size).plan;
}

/**
 * Counts barriers like the kernels' `runShare` with one row: row-by-row operations are done by one thread at the barrier.
 */
function barriers(plan: readonly PlanOp[]): number {
  let count = 0;
  let together = false;
  for (const op of plan) {
    const code = op.get(L.OP_CODE);
    const shared = code === L.LINEAR || code === L.ATTENTION;
    if (shared ? !together && ((op.get(L.OP_FLAGS) ?? 0) & L.FLAG_BARRIER) !== 0 : !together) count++;
    together = !shared;
  }
  return count;
}
