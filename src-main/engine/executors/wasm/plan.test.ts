import { describe, expect, it } from 'vitest';
import { intervene } from '../../program/interventions.ts';
import type { Program } from '../../program/program.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import { BF16 } from '../../quant/bf16.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import { Q4_0 } from '../../quant/q4_0.ts';
import { Q8_0 } from '../../quant/q8_0.ts';
import { fromSource } from '../../models/opened-model.ts';
import { openSource } from '../../models/open-model.ts';
import { readerOf } from '../../models/weight-source.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { allocateBuffers } from './buffers.ts';
import { fuse } from '../fusion.ts';
import { MemoryCount } from './kernel-memory.ts';
import * as L from './plan-layout.ts';
import { inOneMemory, layersIn } from './placement.ts';
import { firstOps, lower, NO_TAPS, type PlanMemory, type PlanOp } from './plan.ts';
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

describe('a gate and the product that it gates', () => {
  it.each([
    { gate: Q8_0, up: Q4_0, shared: 1 },
    { gate: F16, up: F16, shared: 1 },
    { gate: Q8_0, up: BF16, shared: 1 },
    // The input is prepared again in between.
    { gate: F16, up: Q8_0, shared: 0 },
    { gate: Q8_0, up: F16, shared: 0 },
    { gate: BF16, up: Q8_0, shared: 0 },
    { gate: F32, up: F16, shared: 0 },
  ])('of $gate.name and $up.name share chunks only if nothing is between them', ({ gate, up, shared }) => {
    const [width, inner, vocabulary] = [256, 512, 8];
    const p = new ProgramBuilder();
    const x = p.embed(p.weight('table', [vocabulary, width]), 'token');
    const gated = p.silu(p.linear(x, p.weight('gate', [inner, width])));
    const fed = p.mul(gated, p.linear(x, p.weight('up', [inner, width])));
    const program = p.logits(fed, p.weight('head', [vocabulary, inner]));
    const typeOf: WeightReader['typeOf'] = ({ name }) => (name === 'gate' ? gate : name === 'up' ? up : F32);
    const plan = lower(program, fuse(program), planMemoryOf(program, { typeOf }), NO_TAPS);
    const chained = plan.flatMap((op, step) => {
      const isShared = op.get(L.OP_CODE) === L.LINEAR && ((op.get(L.OP_FLAGS) ?? 0) & L.FLAG_CHAIN) !== 0;
      return isShared ? [plan[step + 1].get(L.OP_CODE)] : [];
    });
    expect(chained).toEqual(new Array<number>(shared).fill(L.LINEAR));
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

function planMemoryOf(program: Program, reader: Pick<WeightReader, 'typeOf'>): PlanMemory {
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

describe('the first operations of a plan', () => {
  const matrix = (bytes: number, flags = 0): PlanOp =>
    new Map([
      [L.OP_OUTPUTS, 8],
      [L.OP_PANEL_BYTES, bytes],
      [L.OP_FLAGS, flags],
    ]);
  const plan = [matrix(3), new Map(), matrix(4, L.FLAG_CHAIN), matrix(5), matrix(6)];

  it.each([
    { least: 3, count: 1, bytes: 3 },
    { least: 7, count: 4, bytes: 12 },
    { least: 13, count: 5, bytes: 18 },
    { least: 100, count: 5, bytes: 18 },
  ])('read at least $least bytes, and no chain is divided', ({ least, count, bytes }) => {
    expect(firstOps(plan, least)).toEqual({ ops: plan.slice(0, count), bytes });
  });
});
