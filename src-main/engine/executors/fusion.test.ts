import { describe, expect, it } from 'vitest';
import { ProgramBuilder, type Value } from '../program/program-builder.ts';
import { withBarriers } from './wasm/barriers.ts';
import { fuse } from './fusion.ts';
import * as L from './wasm/plan-layout.ts';
import type { PlanOp } from './wasm/plan.ts';

const WIDTH = 8;

function build(write: (p: ProgramBuilder, x: Value) => Value) {
  const p = new ProgramBuilder();
  const x = p.embed(p.weight('table', [10, WIDTH]), 'token');
  const y = write(p, x);
  return p.logits(y, p.weight('head', [10, y.width]));
}

const linear = (p: ProgramBuilder, x: Value, name: string) => p.linear(x, p.weight(name, [WIDTH, x.width]));
const names = (ops: readonly { op: string }[]) => ops.map(({ op }) => op);

describe('fuse', () => {
  it('fuses the activation and the residual addition into the matrix product', () => {
    const ops = fuse(build((p, x) => p.add(x, p.relu(linear(p, x, 'w')))));
    expect(names(ops)).toEqual(['embed', 'linear', 'logits']);
    expect(ops[1]).toMatchObject({ inputs: [0, 0], output: 3, epilogue: { activation: 'relu', operand: 'add' } });
  });

  it('pairs a gate with the gated product', () => {
    const ops = fuse(build((p, x) => p.mul(p.silu(linear(p, x, 'gate')), linear(p, x, 'up'))));
    expect(names(ops)).toEqual(['embed', 'linear', 'linear', 'logits']);
    expect(ops[1]).toMatchObject({ epilogue: { activation: 'silu', operand: null }, pairedWithNext: true });
    expect(ops[2]).toMatchObject({ epilogue: { activation: null, operand: 'mul' }, pairedWithNext: false });
  });

  it('does so in either order', () => {
    const ops = fuse(
      build((p, x) => {
        const [gate, up] = [linear(p, x, 'gate'), linear(p, x, 'up')];
        return p.mul(p.silu(gate), up);
      }),
    );
    expect(names(ops)).toEqual(['embed', 'linear', 'linear', 'logits']);
    expect(ops[1]).toMatchObject({ epilogue: { activation: 'silu', operand: null }, pairedWithNext: true });
  });

  it('does not fuse what other operations read', () => {
    const ops = fuse(
      build((p, x) => {
        const y = linear(p, x, 'w');
        return p.add(p.relu(y), y);
      }),
    );
    expect(names(ops)).toEqual(['embed', 'linear', 'relu', 'add', 'logits']);
  });

  it('does not fuse with a later value', () => {
    const ops = fuse(build((p, x) => p.add(linear(p, x, 'w'), p.relu(p.relu(x)))));
    expect(names(ops)).toEqual(['embed', 'linear', 'relu', 'relu', 'add', 'logits']);
  });

  it('keeps tapped tensors', () => {
    const program = build((p, x) => p.add(x, p.relu(linear(p, x, 'w'))));
    expect(names(fuse(program, new Set([1])))).toEqual(['embed', 'linear', 'relu', 'add', 'logits']);
    expect(names(fuse(program, new Set([2])))).toEqual(['embed', 'linear', 'add', 'logits']);
  });
});

describe('withBarriers', () => {
  const op = (code: number, fields: Record<number, number>): PlanOp =>
    new Map([[L.OP_CODE, code], ...Object.entries(fields).map(([k, v]) => [Number(k), v] as const)]);
  const waits = (plan: readonly PlanOp[]) =>
    withBarriers(plan).map((step) => ((step.get(L.OP_FLAGS) ?? 0) & L.FLAG_BARRIER) !== 0);

  it('waits for what is read or overwritten, and only for that', () => {
    expect(
      waits([
        op(L.LINEAR, { [L.OP_X]: 1, [L.OP_Y]: 2 }),
        // Reads the same input.
        op(L.LINEAR, { [L.OP_X]: 1, [L.OP_Y]: 3 }),
        // Reads both results.
        op(L.BINARY, { [L.OP_X]: 2, [L.OP_X2]: 3, [L.OP_Y]: 4 }),
        // Overwrites what was read.
        op(L.LINEAR, { [L.OP_X]: 1, [L.OP_Y]: 2 }),
        // Is independent of the others.
        op(L.LINEAR, { [L.OP_X]: 1, [L.OP_Y]: 5 }),
        // Its residual was just written.
        op(L.LINEAR, { [L.OP_X]: 1, [L.OP_OPERAND]: 5, [L.OP_Y]: 6 }),
      ]),
    ).toEqual([false, false, true, true, false, true]);
  });

  it('waits for K and V, and not within a chain', () => {
    expect(
      waits([
        op(L.CACHE_WRITE, { [L.OP_X]: 1, [L.OP_X2]: 2, [L.OP_KEYS]: 10, [L.OP_VALUES]: 11 }),
        op(L.ATTENTION, { [L.OP_X]: 3, [L.OP_Y]: 4, [L.OP_KEYS]: 10, [L.OP_VALUES]: 11 }),
        op(L.LINEAR, { [L.OP_X]: 5, [L.OP_Y]: 6, [L.OP_FLAGS]: L.FLAG_CHAIN }),
        op(L.LINEAR, { [L.OP_X]: 5, [L.OP_OPERAND]: 6, [L.OP_Y]: 7 }),
        op(L.LINEAR, { [L.OP_X]: 7, [L.OP_Y]: 8 }),
      ]),
    ).toEqual([false, true, false, false, true]);
  });
});
