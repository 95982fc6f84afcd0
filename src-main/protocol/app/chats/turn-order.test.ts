import { expect, it } from 'vitest';
import { orderTurns } from './turn-order.ts';

const node = (id: string, parent: string | null) => ({ id, parent });
const NONE = { orphans: 0, cycles: 0, repeated: 0 };

it('keeps a tree in order', () => {
  const nodes = [node('a', null), node('b', 'a'), node('c', null), node('d', 'a')];
  expect(orderTurns(nodes)).toEqual({ turns: nodes, ...NONE });
});

it('puts parents before their children, and keeps the order of versions', () => {
  const { turns } = orderTurns([node('c', 'b'), node('d', 'a'), node('a', null), node('b', 'a')]);
  expect(turns.map(({ id }) => id)).toEqual(['a', 'd', 'b', 'c']);
});

it('keeps turns without their parent', () => {
  expect(orderTurns([node('b', 'missing'), node('c', 'b')])).toEqual({
    turns: [node('b', null), node('c', 'b')],
    ...NONE,
    orphans: 1,
  });
});

it('cuts cycles, each once', () => {
  const { turns, cycles } = orderTurns([
    node('after', 'b'),
    node('a', 'c'),
    node('b', 'a'),
    node('c', 'b'),
    node('x', 'x'),
  ]);
  expect(cycles).toBe(2);
  expect(turns.map(({ id }) => id).sort()).toEqual(['a', 'after', 'b', 'c', 'x']);
  expect(turns.filter(({ parent }) => parent === null)).toHaveLength(2);
});

it('keeps the first of turns with one id', () => {
  expect(orderTurns([node('a', null), node('a', 'a')])).toEqual({ turns: [node('a', null)], ...NONE, repeated: 1 });
});

it('is fast for a long chain in reverse', () => {
  const count = 100_000;
  const nodes = Array.from({ length: count }, (_, at) => node(`n${at}`, at === count - 1 ? null : `n${at + 1}`));
  expect(orderTurns(nodes).turns[0].id).toBe(`n${count - 1}`);
});
