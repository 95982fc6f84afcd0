import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergePairs } from './byte-pair.ts';
import { MergeTable } from './merge-table.ts';

/** The definition: find the best pair, join it, repeat. */
function naive(ids: number[], merges: readonly (readonly [number, number, number])[]): { id: number; size: number }[] {
  const symbols = ids.map((id) => ({ id, size: 1 }));
  for (;;) {
    let best = { rank: Infinity, at: -1 };
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = merges.findIndex(([left, right]) => left === symbols[at].id && right === symbols[at + 1].id);
      if (rank !== -1 && rank < best.rank) best = { rank, at };
    }
    if (best.at === -1) return symbols;
    const [a, b] = symbols.splice(best.at, 2);
    symbols.splice(best.at, 0, { id: merges[best.rank][2], size: a.size + b.size });
  }
}

/** Random merges over the symbols 0..2, each creating a new symbol, as in training. */
const mergeLists = fc
  .array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 30 })
  .map((pairs) => pairs.map(([a, b], i) => [a % (3 + i), b % (3 + i), 3 + i] as const));

it('joins the same pairs as the definition, in short words and in long ones', () => {
  fc.assert(
    fc.property(mergeLists, fc.array(fc.nat(2), { minLength: 1, maxLength: 80 }), (list, word) => {
      const merges = new MergeTable(list.length);
      list.forEach(([left, right, result], rank) => merges.add(left, right, rank, result));
      const ids = Int32Array.from(word);
      const sizes = new Int32Array(word.length).fill(1);
      const count = mergePairs(ids, sizes, word.length, merges);
      expect(Array.from({ length: count }, (_, i) => ({ id: ids[i], size: sizes[i] }))).toEqual(naive(word, list));
    }),
    { numRuns: 500 },
  );
});
