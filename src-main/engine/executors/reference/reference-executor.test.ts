import { beforeEach, describe, expect, it } from 'vitest';
import type { CancelToken } from '../../api/platform.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightStore } from '../../program/weights.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { batchOf } from '../batch.ts';
import type { Batch, Executor } from '../executor.ts';
import { createReferenceExecutor } from './reference-executor.ts';

const VOCABULARY = 600;
const WIDTH = 8;
const POSITIONS = 12;

/** One small layer of attention that exercises every kind of loop. */
function smallModel() {
  const p = new ProgramBuilder();
  const x = p.add(
    p.embed(p.weight('tokens', [VOCABULARY, WIDTH]), 'token'),
    p.embed(p.weight('positions', [POSITIONS, WIDTH]), 'position'),
  );
  const attributes = {
    layer: 0,
    heads: 2,
    kvHeads: 2,
    headDim: 4,
    scale: 0.5,
    softcap: null,
    causal: true,
    window: null,
    weightsTap: 'attention',
  };
  const attended = p.attention(x, x, x, attributes);
  const program = p.logits(p.tap('output', p.add(x, attended)), p.weight('head', [VOCABULARY, WIDTH]));
  const tensors = new Map(
    program.weights.map(({ name, shape }, index) => {
      const tensor = Tensor.zeros(shape);
      tensor.data.forEach((_, i) => (tensor.data[i] = Math.sin(i * (index + 1))));
      return [name, tensor] as const;
    }),
  );
  const store: WeightStore = { bytes: 0, get: (name) => tensors.get(name)! };
  return { program, store };
}

describe('the reference executor', () => {
  let executor: Executor;
  let cache: KvCache;
  beforeEach(() => {
    const { program, store } = smallModel();
    executor = createReferenceExecutor(program, store, { cells: 24 });
    cache = new KvCache(24);
  });

  it('gives the same bits in one batch, in slices and beside other sequences', async () => {
    const ids = [5, 17, 599, 0, 3, 3, 8, 100, 2, 44];
    const rows = ids.map((_, row) => row);
    const whole = await executor.run(batchOf([cache.append(0, ids)]), { logits: rows });
    const expected = await Promise.all(whole.logits.map((handle) => handle.read()));
    for (const size of [1, 3, 4]) {
      cache.release(1);
      cache.release(2);
      for (let at = 0; at < ids.length; at += size) {
        const slice = ids.slice(at, at + size);
        const neighbour = at === 0 ? [9, 9] : [];
        const parts = [...(neighbour.length > 0 ? [cache.append(2, neighbour)] : []), cache.append(1, slice)];
        const last = neighbour.length + slice.length - 1;
        const result = await executor.run(batchOf(parts), { logits: [last] });
        expect(await result.logits[0].read()).toEqual(expected[at + slice.length - 1]);
      }
    }
  });

  it('keeps taps although buffers are reused, and pads attention weights with zeros', async () => {
    const parts = [cache.append(0, [1, 2, 3]), cache.append(1, [4])];
    const { taps, logits } = await executor.run(batchOf(parts), { logits: [], taps: ['attention', 'output'] });
    expect(logits).toEqual([]);
    expect(taps.get('output')!.shape).toEqual([4, WIDTH]);
    const { shape, data } = taps.get('attention')!;
    expect(shape).toEqual([2, 4, 3]);
    for (let row = 0; row < 8; row++) {
      const weights = [...data.subarray(row * 3, (row + 1) * 3)];
      const attended = [1, 2, 3, 1][row % 4];
      expect(weights.slice(attended)).toEqual(Array(3 - attended).fill(0));
      // Three weights rounded to float32: three half ulps of 1.
      expect(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1)).toBeLessThan(2e-7);
    }
  });

  it('finds the k highest logits, the lower id first where they are equal', async () => {
    const { logits } = await executor.run(batchOf([cache.append(0, [7])]), { logits: [0] });
    const values = await logits[0].read();
    const sorted = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
    for (const k of [0, 1, 10, VOCABULARY, VOCABULARY + 5]) {
      expect([...(await logits[0].lend()).top(k)]).toEqual(sorted.slice(0, k));
    }
  });

  it('stops at any check of the cancel flag, and works again after that', async () => {
    const batch = batchOf([cache.append(0, [1, 2, 3, 4, 5])]);
    const outputs = { logits: [0, 1, 2, 3, 4] };
    const looks = countingToken(Infinity);
    const expected = await executor.run(batch, outputs, looks);
    // At least once per operation, per head of attention and several times in one wide matrix product.
    expect(looks.count).toBeGreaterThan(6 + 10 + 8);
    for (let at = 1; at <= looks.count; at++) {
      await expect(executor.run(batch, outputs, countingToken(at))).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    const again = await executor.run(batch, outputs);
    expect(await again.logits[4].read()).toEqual(await expected.logits[4].read());
  });

  it('reports its memory before it runs', () => {
    // K and V of 24 cells; the embeddings, their sum and later activations share three buffers.
    expect(executor.memoryBytes).toEqual({
      weights: 4 * WIDTH * (2 * VOCABULARY + POSITIONS),
      kvCache: 4 * 24 * 2 * WIDTH,
      scratch: 4 * 24 * 3 * WIDTH,
    });
  });

  it('reports that memory for its cells cannot be allocated', () => {
    const { program, store } = smallModel();
    expect(() => createReferenceExecutor(program, store, { cells: 2 ** 50 })).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
    );
  });

  it('refuses to run after it was disposed of', async () => {
    await executor.dispose();
    const running = executor.run(batchOf([cache.append(0, [1])]), { logits: [] });
    await expect(running).rejects.toMatchObject({ code: 'NO_MODEL' });
  });

  describe('refuses', () => {
    const one = (): Batch => batchOf([cache.append(0, [1, 2])]);
    const cases: [string, () => Batch, { logits: number[]; taps?: string[] }, string, string][] = [
      ['an empty batch', () => batchOf([]), { logits: [] }, 'INTERNAL', 'it is empty'],
      [
        'an id past the vocabulary',
        () => batchOf([cache.append(0, [600])]),
        { logits: [] },
        'BAD_REQUEST',
        'Token id 600',
      ],
      ['a negative id', () => batchOf([cache.append(0, [-1])]), { logits: [] }, 'BAD_REQUEST', 'ids run from 0 to 599'],
      [
        'a position past the table',
        () => batchOf([cache.append(0, Array<number>(13).fill(1))]),
        { logits: [] },
        'CONTEXT_FULL',
        'Position 12 is past the context window of 12 tokens',
      ],
      ['logits of a row that is not there', one, { logits: [2] }, 'INTERNAL', 'logits were requested for row 2'],
      [
        'an unknown tap',
        one,
        { logits: [], taps: ['nothing'] },
        'BAD_REQUEST',
        'no tensor named nothing. It has: attention, output',
      ],
      [
        'uneven arrays',
        () => ({ ...one(), cells: Int32Array.of(0) }),
        { logits: [] },
        'INTERNAL',
        '2 tokens and 1 cells',
      ],
      [
        'a row outside its context',
        () => ({ ...one(), positions: Int32Array.of(0, 5) }),
        { logits: [] },
        'INTERNAL',
        'row 1',
      ],
      [
        'a sequence that is not there',
        () => ({ ...one(), sequences: Int32Array.of(0, 1) }),
        { logits: [] },
        'INTERNAL',
        'row 1',
      ],
      [
        'cells that are not there',
        () => ({ ...one(), contexts: [{ cells: Int32Array.of(0, 24), positions: Int32Array.of(0, 1) }] }),
        { logits: [] },
        'INTERNAL',
        'cell 24 of context 0 is outside 0..23',
      ],
      [
        'positions that do not ascend',
        () => ({ ...one(), contexts: [{ cells: Int32Array.of(0, 1), positions: Int32Array.of(1, 0) }] }),
        { logits: [] },
        'INTERNAL',
        'are not in ascending order',
      ],
      [
        'an uneven context',
        () => ({ ...one(), contexts: [{ cells: Int32Array.of(0), positions: Int32Array.of(0, 1) }] }),
        { logits: [] },
        'INTERNAL',
        'context 0 has a different number of cells and positions',
      ],
    ];
    it.each(cases)('%s', async (_, batch, outputs, code, message) => {
      const running = executor.run(batch(), outputs);
      await expect(running).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
    });
  });
});

/** Cancelled from the given check on; counts the checks. */
function countingToken(from: number): CancelToken & { count: number } {
  return {
    count: 0,
    get cancelled() {
      return ++this.count >= from;
    },
  };
}
