import { expect, it } from 'vitest';
import type { AttentionAnswer, LayerAnswer, NormsAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import type { InsideToken } from '../steps/step-props.ts';
import { headDifference, layerDifference, pairLabels, streamDifference, type TokenPair } from './differences.ts';

const token = (id: number, piece: string): InsideToken => ({
  ...{ id, piece, bytes: [], special: false, unknown: false, merges: [], attempts: [] },
});
const tokens: TokenPair = [
  [token(7, 'a'), token(8, ' b')],
  [token(7, 'a'), token(9, ' c')],
];
const range = { from: 0, to: 2 };

function headOf(weights: readonly number[], isCausal = true): AttentionAnswer {
  return {
    kind: 'attention',
    ...{ kvHead: 0, headDim: 1, context: 2, scale: 1, softcap: null, window: null, causal: isCausal },
    queries: new Float32Array(2),
    firstKey: 0,
    keys: new Float32Array(2),
    values: new Float32Array(2),
    scores: Float64Array.of(0, isCausal ? -Infinity : 0, 0, 0),
    weights: Float32Array.from(weights),
    output: new Float32Array(2),
  };
}

it('names both tokens where they differ', () => {
  expect(pairLabels(tokens, range)).toEqual(['a', '·b | ·c']);
});

it('subtracts the first weights from the second, and shows cells that one run has', () => {
  const part = { layer: 0, head: 1, queries: range, keys: range };
  const first = { ...part, answer: headOf([1, 0, 0.5, 0.5]), tokens: tokens[0] };
  const second = { ...part, answer: headOf([0.75, 0.25, 0.25, 0.75], false), tokens: tokens[1] };
  const picture = headDifference(first, second);
  expect(picture.title).toBe('Layer 1, head 2: difference of weights');
  expect(picture.table.row(0)).toEqual([0, 'a', -0.25, 0.25]);
  expect(picture.describe({ row: 1, column: 0 })).toMatchObject({
    value: '−0.25',
    formula: 'second − first = 0.25 − 0.5 = −0.25',
  });
  // Masked in both.
  const same = headDifference(first, first);
  expect(same.max).toBe(0);
  expect(same.describe({ row: 0, column: 1 }).value).toBe('0');
});

it('subtracts lengths and vectors', () => {
  const norms = (stream: readonly number[]): NormsAnswer => ({
    ...{ kind: 'norms', layers: 1, tokens: 2 },
    stream: Float32Array.from(stream),
    attention: new Float32Array(2),
    feedForward: new Float32Array(2),
  });
  const stream = streamDifference(norms([1, 2, 3, 4]), norms([1, 3, 3, 2]), { tokens, range });
  expect(stream.table.row(0)).toEqual(['Input', 0, 1]);
  expect(stream.table.row(1)).toEqual(['Layer 1', 0, -2]);

  const layer = (output: readonly number[]): LayerAnswer => {
    const empty = new Float32Array(4);
    const rest = { input: empty, attention: empty, afterAttention: empty, feedForward: empty };
    return { kind: 'layer', hidden: 2, ...rest, output: Float32Array.from(output) };
  };
  const picture = layerDifference(layer([1, 2, 3, 4]), layer([1, 2, 5, 1]), {
    ...{ tensor: 'output', tokens, range, layer: 0 },
  });
  expect(picture.table.row(1)).toEqual([1, ' b', 2, -3]);
  expect(picture.describe({ row: 1, column: 1 }).formula).toBe('second − first = 1 − 4 = −3');
});
