import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMemory } from './memory-plan.ts';
import { ProgramBuilder, type Value } from './program-builder.ts';

const ATTENTION = {
  layer: 0,
  heads: 2,
  kvHeads: 2,
  headDim: 4,
  scale: 1,
  softcap: null,
  causal: true,
  window: null,
  weightsTap: null,
};

describe('ProgramBuilder', () => {
  const start = () => {
    const p = new ProgramBuilder();
    return { p, x: p.embed(p.weight('table', [10, 8]), 'token') };
  };

  it('lists operations in order, with all that an executor needs', () => {
    const { p, x } = start();
    const y = p.tap('sum', p.add(x, p.embed(p.weight('positions', [5, 8]), 'position')));
    const program = p.logits(p.attention(y, y, y, { ...ATTENTION, weightsTap: 'weights' }), p.weight('table', [10, 8]));
    expect(program.ops.map(({ op, inputs, output }) => [op, inputs, output])).toEqual([
      ['embed', [], 0],
      ['embed', [], 1],
      ['add', [0, 1], 2],
      ['cacheWrite', [2, 2], null],
      ['attention', [2], 3],
      ['logits', [3], null],
    ]);
    // Tied embeddings are one tensor, declared and loaded once.
    expect(program.weights.map(({ name }) => name)).toEqual(['table', 'positions']);
    expect(program).toMatchObject({ kvWidths: [8], vocabularySize: 10, maxPositions: 5 });
    expect([...program.taps]).toEqual(['sum', 'weights']);
  });

  it('makes a weight from rows of another', () => {
    const { p } = start();
    const stacked = p.weight('in_proj', [24, 8]);
    expect(stacked.rows(8, 8)).toMatchObject({ name: 'in_proj', shape: [8, 8], firstRow: 8 });
    expect(stacked.rows(8, 16).rows(8, 8)).toMatchObject({ shape: [8, 8], firstRow: 16 });
    expect(() => stacked.rows(20, 8)).toThrow('Rows 20..28 are outside in_proj [24, 8]');
  });

  const mistakes: [string, (p: ProgramBuilder, x: Value) => unknown, string][] = [
    [
      'a weight with two shapes',
      (p) => p.weight('table', [8, 10]),
      'table was declared as [10, 8] and again as [8, 10]',
    ],
    [
      'a table that is a vector',
      (p) => p.embed(p.weight('v', [8]), 'token'),
      'embed with v: the table has 1 axes, not 2',
    ],
    [
      'a weight for other inputs',
      (p, x) => p.linear(x, p.weight('w', [3, 9])),
      'linear with w: the weight takes 9 inputs',
    ],
    [
      'a bias too long',
      (p, x) => p.linear(x, p.weight('w', [3, 8]), p.weight('b', [4])),
      'the bias has shape [4], not [3]',
    ],
    [
      'a gain too short',
      (p, x) => p.layerNorm(x, p.weight('g', [7]), p.weight('b', [8]), 1e-5),
      'the gain has shape [7]',
    ],
    ['summands of two widths', (p, x) => p.add(x, p.linear(x, p.weight('w', [3, 8]))), 'the two have widths 8 and 3'],
    [
      'heads that do not fill q',
      (p, x) => p.attention(x, x, x, { ...ATTENTION, heads: 3 }),
      'q has width 8, not 3 heads of 4',
    ],
    [
      'K/V heads that do not fill k',
      (p, x) => p.attention(x, x, x, { ...ATTENTION, kvHeads: 1 }),
      'k has width 8, not 1 K/V',
    ],
    [
      'v of another width',
      (p, x) => p.attention(x, x, p.linear(x, p.weight('w', [4, 8])), ATTENTION),
      'k and v have widths 8 and 4',
    ],
    [
      'layers out of order',
      (p, x) => p.attention(x, x, x, { ...ATTENTION, layer: 1 }),
      'attention of layer 1 comes after 0',
    ],
    ['two tensors of one name', (p, x) => [p.tap('a', x), p.tap('a', p.relu(x))], 'two tensors are named a'],
    [
      'a gain that does not divide the row',
      (p, x) => p.rmsNorm(x, p.weight('g', [3]), 1e-5),
      'the gain has shape [3], which does not divide rows of 8',
    ],
    [
      'heads that do not fill a row that turns',
      (p, x) => p.rope(x, { headDim: 3, pairing: 'halves', frequencies: [1], magnitude: 1 }),
      'rows of 8 are not a multiple of the head size 3',
    ],
    [
      'more pairs than a head has',
      (p, x) => p.rope(x, { headDim: 4, pairing: 'halves', frequencies: [1, 1, 1], magnitude: 1 }),
      '3 pairs do not fit into a head of 4',
    ],
    [
      'an operation after the end',
      (p, x) => [p.logits(x, p.weight('table', [10, 8])), p.relu(x)],
      'relu comes after the logits',
    ],
  ];
  it.each(mistakes)('refuses %s', (_, build, message) => {
    const { p, x } = start();
    expect(() => build(p, x)).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining(message) as string }),
    );
  });

  it('refuses a number of K/V heads that does not divide the heads', () => {
    const p = new ProgramBuilder();
    const q = p.embed(p.weight('q', [10, 12]), 'token');
    const k = p.embed(p.weight('k', [10, 8]), 'token');
    const attributes = { ...ATTENTION, heads: 3 };
    expect(() => p.attention(q, k, k, attributes)).toThrow('3 heads cannot share 2 K/V heads evenly');
  });
});

describe('planMemory', () => {
  it('never shares a buffer between two live activations', () => {
    // Each step reads one or two earlier values, so lifetimes overlap in every way.
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 5 })), { maxLength: 20 });
    fc.assert(
      fc.property(steps, (choices) => {
        const p = new ProgramBuilder();
        const values = [p.embed(p.weight('table', [3, 4]), 'token')];
        for (const [a, b, width] of choices) {
          const [x, y] = [values[a % values.length], values[b % values.length]];
          values.push(x.width === y.width ? p.add(x, y) : p.linear(x, p.weight(`w${values.length}`, [width, x.width])));
        }
        const last = values.at(-1)!;
        const program = p.logits(last, p.weight('head', [2, last.width]));
        const { slots, slotWidths } = planMemory(program, { cells: 1, rows: 1 });

        // Simulate the plan: each buffer remembers which activation it holds.
        const holds = new Map<number, number>();
        for (const op of program.ops) {
          for (const input of op.inputs) expect(holds.get(slots[input])).toBe(input);
          if (op.output === null) continue;
          expect(op.inputs.map((input) => slots[input])).not.toContain(slots[op.output]);
          holds.set(slots[op.output], op.output);
          expect(slotWidths[slots[op.output]]).toBeGreaterThanOrEqual(program.tensors[op.output].width);
        }
      }),
    );
  });

  it('computes memory sizes from the program alone', () => {
    const p = new ProgramBuilder();
    const x = p.embed(p.weight('table', [10, 8]), 'token');
    const program = p.logits(p.attention(x, x, x, ATTENTION), p.weight('head', [10, 8]));
    expect(planMemory(program, { cells: 100, rows: 7 }).bytes).toEqual({
      weights: 4 * 2 * 10 * 8,
      kvCache: 4 * 100 * 2 * 8,
      scratch: 4 * 7 * 2 * 8,
    });
  });
});
