import { describe, expect, it } from 'vitest';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightReader } from '../../program/weights.ts';
import { F32 } from '../../quant/f32.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { createWasmExecutor } from './wasm-executor.ts';

const WIDTH = 16;
const LAYERS = 6;

/** A chain of matrices: w0, w1, ... */
function chain() {
  const p = new ProgramBuilder();
  let x = p.embed(p.weight('x', [8, WIDTH]), 'token');
  for (let i = 0; i < LAYERS; i++) x = p.linear(x, p.weight(`w${i}`, [WIDTH, WIDTH]));
  return p.logits(x, p.weight('head', [8, WIDTH]));
}

const load = (reader: WeightReader) => createWasmExecutor(chain(), reader, { kernels: testKernels(), cells: 4 });
const later = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('weights', () => {
  it('are read while others are packed, two at a time', async () => {
    let reading = 0;
    let most = 0;
    const names: string[] = [];
    const executor = await load({
      typeOf: () => F32,
      async readRows({ name, shape: [rows] }, { onRows }) {
        most = Math.max(most, ++reading);
        names.push(name);
        await later();
        void onRows(new Uint8Array(4 * WIDTH * rows), 0, rows);
        reading--;
      },
    });
    expect(most).toBe(2);
    expect(names.sort()).toEqual(['head', ...Array.from({ length: LAYERS }, (_, i) => `w${i}`), 'x']);
    await executor.dispose();
  });

  it('are no longer read once one read failed', async () => {
    let reading = 0;
    const names: string[] = [];
    const loading = load({
      typeOf: () => F32,
      async readRows({ name, shape: [rows] }, { onRows }) {
        reading++;
        names.push(name);
        await later();
        if (name === 'w1') {
          reading--;
          throw new Error('the disk is gone');
        }
        await later();
        void onRows(new Uint8Array(4 * WIDTH * rows), 0, rows);
        reading--;
      },
    });
    await expect(loading).rejects.toThrow('the disk is gone');
    expect(reading).toBe(0);
    expect(names).toContain('w1');
    expect(names.length).toBeLessThanOrEqual(4);
  });
});
