import { describe, expect, it } from 'vitest';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { Program } from '../../program/program.ts';
import { fuse } from '../fusion.ts';
import { inOneMemory, layersIn, memoryOf, type UnitSizes, placeInSeveral } from './placement.ts';
import { stagesOf } from './stages.ts';

const LAYERS = 6;
const WIDTH = 16;

/** A decoder; the output matrix may be the embedding. */
function decoder(isTied: boolean): Program {
  const p = new ProgramBuilder();
  const table = p.weight('table', [8, WIDTH]);
  let x = p.embed(table, 'token');
  for (let layer = 0; layer < LAYERS; layer++) {
    const matrix = (name: string) => p.weight(`${layer}.${name}`, [WIDTH, WIDTH]);
    const normed = p.rmsNorm(x, p.weight(`${layer}.norm`, [WIDTH]), 1e-5);
    const attended = p.attention(
      p.linear(normed, matrix('q')),
      p.linear(normed, matrix('k')),
      p.linear(normed, matrix('v')),
      {
        ...{ layer, heads: 1, kvHeads: 1, headDim: WIDTH, scale: 1, softcap: null },
        ...{ window: null, causal: true, weightsTap: null },
      },
    );
    x = p.add(x, p.linear(attended, matrix('o')));
    const gate = p.silu(p.linear(x, matrix('gate')));
    x = p.add(x, p.linear(p.mul(gate, p.linear(x, matrix('up'))), matrix('down')));
  }
  return p.logits(x, isTied ? table : p.weight('head', [8, WIDTH]));
}

/** Every weight takes 10 bytes, K and V of a layer 5. */
function sizesOf(program: Program): UnitSizes {
  return {
    weights: new Map(program.weights.map(({ name }) => [name, 10])),
    layers: program.kvWidths.map(() => 5),
  };
}

/** Bytes per memory. */
function loads(program: Program, most: number): number[] {
  const placement = placeInSeveral(program, sizesOf(program), most)!;
  return Array.from({ length: placement.memories }, (_, memory) => {
    const weights = [...placement.weights.values()].filter((each) => each === memory).length;
    return 10 * weights + 5 * layersIn(placement, memory).size;
  });
}

describe('a model divided between memories', () => {
  it('uses as few as possible, as evenly as possible, and loses nothing', () => {
    const program = decoder(false);
    const total = 10 * program.weights.length + 5 * LAYERS;
    // A layer is an attention of 55 bytes and a feed-forward of 30.
    expect(total).toBe(85 * LAYERS + 20);
    for (const most of [60, 90, 150, 200, 270, 400]) {
      const found = loads(program, most);
      expect(found.reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
      expect(Math.max(...found)).toBeLessThanOrEqual(most);
    }
    expect(loads(program, 529)).toHaveLength(2);
    expect(Math.max(...loads(program, 529))).toBeLessThanOrEqual(270);
    expect(loads(program, 200)).toHaveLength(3);
  });

  it('is refused if something that cannot be divided is too large', () => {
    const program = decoder(false);
    expect(placeInSeveral(program, sizesOf(program), 55)).not.toBeNull();
    expect(placeInSeveral(program, sizesOf(program), 54)).toBeNull();
  });

  it('crosses with one activation per memory', () => {
    const program = decoder(false);
    const placement = placeInSeveral(program, sizesOf(program), 200)!;
    const stages = stagesOf(fuse(program), placement);
    // The logits are a stage of their own.
    expect(stages.map(({ part }) => part)).toEqual([0, 1, 2, 2]);
    expect(stages.map(({ crossing }) => crossing.length)).toEqual([0, 1, 1, 0]);
    for (const { part, ops } of stages) for (const op of ops) expect([null, part]).toContain(memoryOf(op, placement));
  });

  it('goes back to the embedding for logits that use it', () => {
    const program = decoder(true);
    const stages = stagesOf(fuse(program), placeInSeveral(program, sizesOf(program), 200)!);
    expect(stages.map(({ part }) => part)).toEqual([0, 1, 2, 0]);
    expect(stages.map(({ crossing }) => crossing.length)).toEqual([0, 1, 1, 1]);
    expect(stages.at(-1)!.ops.map(({ op }) => op)).toEqual(['logits']);
  });
});

it('a model in one memory has one stage and its logits', () => {
  const program = decoder(true);
  const fused = fuse(program);
  const stages = stagesOf(fused, inOneMemory(program));
  expect(stages.map(({ ops, crossing }) => [ops.length, crossing.length])).toEqual([
    [fused.length - 1, 0],
    [1, 0],
  ]);
});
