import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { PlainLogits } from '../../sampling/logits.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels } from './kernels.ts';
import { LentLogits } from './lent-logits.ts';
import * as L from './plan-layout.ts';
import { logitSumsStride, writePlan } from './plan.ts';

const MOST = 400;
/** Float32 exponentials, each with a relative error of a few 6e-8, and float32 sums of 32. */
const SUM = 1e-6;

describe.each(['threads', 'wide', 'single', 'simd'] as const)('logits in the memory of the %s kernels', (variant) => {
  const { module, shared } = testKernels(variant);
  const memory = new KernelMemory(shared);
  const kernels = instantiateKernels(module, memory.memory);
  const at = memory.allocate(4 * MOST, 'logits');
  const sums = memory.allocate(logitSumsStride(MOST), 'their sums');
  const weights = memory.allocate(4 * MOST, 'their weights');
  const plan = memory.allocate(L.OP_BYTES, 'the plan');
  const run = memory.allocate(L.RUN_BYTES, 'a run');
  const pool = memory.allocate(L.POOL_BYTES, 'threads');
  memory.i32[(run + L.RUN_ROWS) / 4] = 1;
  memory.i32[(pool + L.POOL_THREADS) / 4] = 1;
  const lent = (values: Float32Array) => {
    memory.f32.set(values, at / 4);
    const fields = { [L.OP_X]: at, [L.OP_Y]: sums, [L.OP_WIDTH]: values.length, [L.OP_OUTPUTS]: values.length };
    const op = Object.entries({ ...fields, [L.OP_CODE]: L.LOGIT_SUMS }).map(([k, v]) => [Number(k), v] as const);
    writePlan([new Map(op)], memory, plan);
    expect(kernels.runPlan(plan, 1, run, pool)).toBe(0);
    return new LentLogits({ kernels, memory, at, sums, weights, count: values.length }, () => true);
  };

  // Few different values, so that many are equal; the highest is never infinite.
  const special = fc.constantFrom(Number.NEGATIVE_INFINITY, 0, -0, 1e-40, -1e-40, 3.5, -800, -3.4e38);
  const logit = fc.oneof(special, fc.integer({ min: -40, max: 24 }), fc.float({ min: -90, max: 90, noNaN: true }));
  const rows = fc
    .array(logit, { minLength: 1, maxLength: MOST })
    .map((row) => Float32Array.from(row.includes(3.5) ? row : [...row.slice(1), 3.5]));

  it('are summed, ranked and counted as in JavaScript', () => {
    fc.assert(
      fc.property(rows, fc.nat(MOST), (values, k) => {
        const plain = new PlainLogits(values);
        // A list of the best is cached, so each query uses a new object.
        expect(Math.abs(lent(values).logSum() - plain.logSum())).toBeLessThan(SUM);
        expect(lent(values).top(k)).toEqual(plain.top(k));
        const unordered = lent(values);
        const ordered = lent(values);
        ordered.top(k);
        for (let id = 0; id < values.length; id += 3) {
          expect(unordered.before(id)).toBe(plain.before(id));
          expect(ordered.before(id)).toBe(plain.before(id));
        }
      }),
    );
  });

  it('are summed exactly however far from 0 they are', () => {
    for (const highest of [-3e38, -1e5, 700, 1e5, 3e38]) {
      const values = Float32Array.from({ length: 41 }, (_, i) => highest * (highest < 0 ? 1 + i / 8 : 1 - i / 8));
      const close = Float32Array.from(values, (_, i) => highest - i / 8);
      for (const row of [values, close]) {
        const expected = new PlainLogits(row).logSum();
        expect(Math.abs(lent(row).logSum() - expected)).toBeLessThanOrEqual(SUM + Math.abs(expected) * 2 ** -52);
      }
    }
  });

  it('are weighed and counted to the same bits as in JavaScript', () => {
    fc.assert(
      fc.property(rows, fc.float({ min: Math.fround(1e-3), max: 100, noNaN: true }), (values, divisor) => {
        const [plain, found] = [new Float32Array(values.length), new Float32Array(values.length)];
        const highest = Math.fround(values[new PlainLogits(values).top(1)[0]] / divisor);
        new PlainLogits(values).weigh(divisor, highest, plain);
        lent(values).weigh(divisor, highest, found);
        expect(found).toEqual(plain);
        expect(lent(values).countFinite(divisor)).toBe(new PlainLogits(values).countFinite(divisor));
      }),
    );
  });

  it('return a shorter list of the best after a longer one', () => {
    const values = Float32Array.from({ length: 100 }, (_, id) => (id * 37) % 100);
    const logits = lent(values);
    for (const k of [40, 5, 0, 60, -1]) expect(logits.top(k)).toEqual(new PlainLogits(values).top(k));
  });

  it('have no sum if one is NaN or none is finite', () => {
    for (let place = 0; place < 7; place++) {
      for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(lent(new Float32Array(7).fill(broken, place, place + 1)).logSum()).toBeNaN();
      }
    }
    expect(lent(new Float32Array(9).fill(Number.NEGATIVE_INFINITY)).logSum()).toBeNaN();
  });
});

describe('logits that the wasm executor lends', async () => {
  const { executor } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize: 64 });
  const batch = batchOf([new KvCache(64).append(0, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14])]);

  it('equal the copied ones, for any number of rows', async () => {
    for (const logits of [[9], [3, 9, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
      const copies = await executor.run(batch, { logits });
      const loans = await executor.run(batch, { logits, lend: true });
      for (const [i, loan] of loans.logits.entries()) {
        const [copied, given] = [await copies.logits[i].lend(), await loan.lend()];
        expect(await loan.read()).toEqual(copied.values);
        expect(given.logSum()).toBe(copied.logSum());
        expect(given.top(7)).toEqual(copied.top(7));
      }
    }
  });

  it('cannot be read after the next run, but copies can', async () => {
    const copies = await executor.run(batch, { logits: [9] });
    const loans = await executor.run(batch, { logits: [9], lend: true });
    const given = await loans.logits[0].lend();
    const read = await loans.logits[0].read();
    await executor.run(batch, { logits: [2], lend: true });
    await expect(loans.logits[0].read()).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(loans.logits[0].lend()).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(() => given.values).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(read).toEqual(await copies.logits[0].read());
  });
});
