import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvCache } from './kv-cache.ts';

/** Few different ids, so that prefixes often match. */
const ids = fc.array(fc.nat(2), { maxLength: 12 });
const SEQUENCES = [0, 1, 2];

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

describe('KvCache', () => {
  it('returns cells and positions in order, and the whole sequence as context', () => {
    const cache = new KvCache(8);
    cache.append(0, [5, 6]);
    const slots = cache.append(0, [7]);
    expect(slots).toEqual({
      tokens: Int32Array.of(7),
      cells: Int32Array.of(2),
      positions: Int32Array.of(2),
      context: { cells: Int32Array.of(0, 1, 2), positions: Int32Array.of(0, 1, 2) },
    });
    expect(cache.tokens(0)).toEqual([5, 6, 7]);
  });

  it('keeps the cells of each sequence contiguous when sequences grow in turn', () => {
    const [capacity, sequences, prompt, steps] = [1000, 8, 20, 90];
    const cache = new KvCache(capacity);
    for (let seq = 0; seq < sequences; seq++) cache.append(seq, new Array<number>(prompt).fill(1));
    for (let step = 0; step < steps; step++) for (let seq = 0; seq < sequences; seq++) cache.append(seq, [step]);
    for (let seq = 0; seq < sequences; seq++) {
      const { cells } = cache.append(seq, []).context;
      expect(cells).toEqual(Int32Array.from({ length: prompt + steps }, (_, i) => cells[0] + i));
    }
    // A sequence with no free cells behind it continues where there are some.
    cache.append(0, new Array<number>(capacity - sequences * (prompt + steps)).fill(2));
    expect(cache.free).toBe(0);
  });

  it('reserves contiguous cells for all expected tokens, though they come in parts', () => {
    const cache = new KvCache(100);
    cache.append(0, new Array<number>(20).fill(1));
    for (let part = 0; part < 3; part++) cache.append(1, new Array<number>(25).fill(2), 75 - 25 * part);
    const { cells } = cache.append(1, []).context;
    expect(cells).toEqual(Int32Array.from({ length: 75 }, (_, i) => cells[0] + i));
  });

  it('refuses tokens that do not fit, with both numbers, and stores none of them', () => {
    const cache = new KvCache(3);
    cache.append(0, [1, 2]);
    expect(() => cache.append(1, [3, 4])).toThrow(
      expect.objectContaining({ code: 'CONTEXT_FULL', details: { needed: 2, free: 1, capacity: 3 } }),
    );
    expect([cache.length(0), cache.length(1), cache.free]).toEqual([2, 0, 1]);
    cache.append(1, [3]);
    expect(cache.free).toBe(0);
  });

  it('refuses an impossible capacity and an impossible fork', () => {
    expect(() => new KvCache(0)).toThrow('at least one cell');
    expect(() => new KvCache(NaN)).toThrow('at least one cell');
    const cache = new KvCache(4);
    cache.append(0, [1, 2]);
    expect(() => cache.fork(0, 1, 3)).toThrow('Cannot fork 3 tokens of sequence 0, which holds 2');
    expect(() => cache.fork(0, 0, 1)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
    expect(() => cache.fork(0, 1, -1)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  it('keeps exactly the longest common prefix after any edit of the prompt', () => {
    const edit = fc.record({ at: fc.nat(12), remove: fc.nat(5), insert: fc.array(fc.nat(2), { maxLength: 5 }) });
    fc.assert(
      fc.property(ids, fc.array(edit, { minLength: 1, maxLength: 6 }), (first, edits) => {
        const cache = new KvCache(64);
        let prompt = first;
        cache.append(0, prompt);
        for (const { at, remove, insert } of edits) {
          const edited = [...prompt.slice(0, at), ...insert, ...prompt.slice(at + remove)];
          const before = [...cache.append(0, []).context.cells];
          const kept = cache.reuse(0, edited);
          expect(kept).toBe(commonPrefix(prompt, edited));
          expect(cache.tokens(0)).toEqual(prompt.slice(0, kept));
          const { context } = cache.append(0, edited.slice(kept));
          // Reused cells stay where their K and V are.
          expect([...context.cells.subarray(0, kept)]).toEqual(before.slice(0, kept));
          expect(cache.tokens(0)).toEqual(edited);
          prompt = edited;
        }
      }),
    );
  });

  it('never leaks a cell and shares cells only by forking, for any sequence of operations', () => {
    const sequence = fc.constantFrom(...SEQUENCES);
    const operation = fc.oneof(
      fc.record({ do: fc.constant('append' as const), seq: sequence, ids }),
      fc.record({ do: fc.constant('reuse' as const), seq: sequence, ids }),
      fc.record({ do: fc.constant('truncate' as const), seq: sequence, length: fc.nat(12) }),
      fc.record({ do: fc.constant('fork' as const), seq: sequence, to: sequence, length: fc.nat(12) }),
      fc.record({ do: fc.constant('release' as const), seq: sequence }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const capacity = 24;
        const cache = new KvCache(capacity);
        // The reference: each token of a sequence is an object, shared by forks only.
        const expected = new Map<number, { id: number }[]>(SEQUENCES.map((seq) => [seq, []]));
        for (const step of operations) {
          const held = expected.get(step.seq)!;
          switch (step.do) {
            case 'append': {
              const used = new Set([...expected.values()].flat()).size;
              if (used + step.ids.length > capacity) {
                expect(() => cache.append(step.seq, step.ids)).toThrow('do not fit');
                break;
              }
              cache.append(step.seq, step.ids);
              held.push(...step.ids.map((id) => ({ id })));
              break;
            }
            case 'reuse': {
              const common = commonPrefix(
                held.map(({ id }) => id),
                step.ids,
              );
              expect(cache.reuse(step.seq, step.ids)).toBe(common);
              held.splice(common);
              break;
            }
            case 'truncate':
              cache.truncate(step.seq, step.length);
              held.splice(step.length);
              break;
            case 'fork':
              if (step.to === step.seq || step.length > held.length) {
                expect(() => cache.fork(step.seq, step.to, step.length)).toThrow('Cannot fork');
                break;
              }
              cache.fork(step.seq, step.to, step.length);
              expected.set(step.to, held.slice(0, step.length));
              break;
            case 'release':
              cache.release(step.seq);
              held.splice(0);
              break;
          }
          expectSame(cache, expected, capacity);
        }
        for (const seq of SEQUENCES) cache.release(seq);
        expect(cache.free).toBe(capacity);
      }),
      { numRuns: 300 },
    );
  });
});

describe('cells of a sequence', () => {
  it('are listed by position', () => {
    const cache = new KvCache(8);
    cache.append(1, [7]);
    cache.append(0, [1, 2, 3], 3, 4);
    expect([...cache.cells(0, 2)]).toEqual([4, 5]);
    expect([...cache.cells(0, 9)]).toEqual([4, 5, 6]);
    expect([...cache.cells(5, 2)]).toEqual([]);
  });

  it('begin at the requested cell, and elsewhere if it is taken', () => {
    const cache = new KvCache(8);
    cache.append(0, [1, 2], 2, 3);
    cache.append(0, [3], 1, 7);
    expect([...cache.cells(0, 3)]).toEqual([3, 4, 7]);
    cache.append(1, [4, 5], 2, 2);
    const cells = [...cache.cells(1, 2)];
    expect(cells[0]).toBe(2);
    expect([0, 1, 5, 6]).toContain(cells[1]);
    cache.append(2, [6], 1, 3);
    expect([3, 4, 7, ...cells]).not.toContain(cache.cells(2, 1)[0]);
    cache.append(2, [6], 1, 99);
    expect(cache.cells(2, 2)[1]).toBeLessThan(8);
  });

  it('are all shared by sequences that were forked at their end, and by empty ones', () => {
    const cache = new KvCache(8);
    expect(cache.sharesAll(0, 1)).toBe(true);
    cache.append(0, [1, 2]);
    cache.append(1, [1, 2]);
    expect(cache.sharesAll(0, 1)).toBe(false);
    cache.fork(0, 1, 2);
    expect(cache.sharesAll(0, 1)).toBe(true);
    cache.append(0, [3]);
    expect(cache.sharesAll(0, 1)).toBe(false);
    cache.append(1, [3]);
    expect(cache.sharesAll(0, 1)).toBe(false);
  });
});

/** Checks that tokens are equal, and that two tokens share a cell exactly when they are the same object. */
function expectSame(cache: KvCache, expected: ReadonlyMap<number, { id: number }[]>, capacity: number): void {
  const cellOf = new Map<{ id: number }, number>();
  const tokenIn = new Map<number, { id: number }>();
  for (const [seq, tokens] of expected) {
    expect(cache.tokens(seq)).toEqual(tokens.map(({ id }) => id));
    expect(cache.length(seq)).toBe(tokens.length);
    const { cells } = cache.append(seq, []).context;
    tokens.forEach((token, i) => {
      expect(cellOf.get(token) ?? cells[i]).toBe(cells[i]);
      expect(tokenIn.get(cells[i]) ?? token).toBe(token);
      cellOf.set(token, cells[i]);
      tokenIn.set(cells[i], token);
    });
  }
  expect(cache.free).toBe(capacity - tokenIn.size);
  const held = [...expected.values()].flat();
  expect(cache.shared).toBe(new Set(held.filter((token, i) => held.indexOf(token) !== i)).size);
}
