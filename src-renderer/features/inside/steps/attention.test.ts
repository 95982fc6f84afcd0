import { describe, expect, it } from 'vitest';
import type { AttentionAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { checkQuery } from '../../../../src-main/engine/inside/check-query.ts';
import type { Model } from '../../../../src-main/engine/models/model.ts';
import { headPicture, headQuery, isHeadOff, keyParts, outputPicture, strongestKeys, weightsOf } from './attention.ts';
import type { InsideToken } from './step-props.ts';

const token = (id: number, piece: string): InsideToken => ({
  ...{ id, piece, bytes: [], special: false, unknown: false, merges: [], attempts: [] },
});
const tokens = [token(7, 'a'), token(8, ' b')];

/** Two tokens, one head of two dimensions: q·k of the second query are 2 and 4. */
function answerOf(changes: Partial<AttentionAnswer> = {}): AttentionAnswer {
  const scale = 1 / Math.sqrt(2);
  const [first, second] = [2 * scale, 4 * scale];
  const sum = Math.exp(first) + Math.exp(second);
  return {
    kind: 'attention',
    ...{ kvHead: 0, headDim: 2, context: 2, scale, softcap: null, window: null, causal: true },
    queries: Float32Array.of(1, 0, 1, 1),
    firstKey: 0,
    keys: Float32Array.of(1, 1, 2, 2),
    values: Float32Array.of(10, 0, 20, 0),
    scores: Float64Array.of(scale, -Infinity, first, second),
    weights: Float32Array.of(1, 0, Math.exp(first) / sum, Math.exp(second) / sum),
    output: Float32Array.of(10, 0, (10 * Math.exp(first) + 20 * Math.exp(second)) / sum, 0),
    ...changes,
  };
}

const range = { from: 0, to: 2 };
const viewOf = (answer: AttentionAnswer) => ({ ...{ answer, tokens, layer: 1, head: 0 }, queries: range, keys: range });

describe('a head', () => {
  it('says how a weight came about', () => {
    const picture = headPicture(viewOf(answerOf()), 'weights');
    expect(picture.title).toBe('Layer 2, head 1: row looks at column');
    expect(picture.describe({ row: 1, column: 0 })).toEqual({
      name: '“·b” (token\u00a01) looks at “a” (token\u00a00)',
      value: '0.19557',
      formula: 'softmax: e^(1.41421 − 2.82843) / Σ e^(score − 2.82843) = 0.243117 / 1.24312 = 0.19557',
    });
  });
  it('says how a score came about', () => {
    const picture = headPicture(viewOf(answerOf()), 'scores');
    expect(picture.describe({ row: 1, column: 1 })).toMatchObject({
      value: '2.82843',
      formula: 'q·k / √2 = 4 / 1.41421 = 2.82843',
    });
  });
  it('names another factor and a cap', () => {
    const scores = Float64Array.of(0, -Infinity, 0, 5 * Math.tanh(0.8));
    const picture = headPicture(viewOf(answerOf({ scale: 1, softcap: 5, scores })), 'scores');
    expect(picture.describe({ row: 1, column: 1 }).formula).toBe(
      'q·k × 1 = 4 × 1 = 4, capped: 5 tanh(score / 5) = 3.32018',
    );
  });
  it('says why a cell is empty', () => {
    const picture = headPicture(viewOf(answerOf()), 'weights');
    expect(picture.describe({ row: 0, column: 1 })).toMatchObject({
      value: '0',
      formula: 'masked: the key is a later token',
    });
    const windowed = headPicture(
      viewOf(answerOf({ window: 1, scores: Float64Array.of(1, -Infinity, -Infinity, 1) })),
      'scores',
    );
    expect(windowed.describe({ row: 1, column: 0 })).toMatchObject({
      value: '−∞',
      formula: 'masked: outside the window of 1 tokens',
    });
  });
  it('has the numbers of the executor in its table', () => {
    const answer = answerOf();
    const { table } = headPicture(viewOf(answer), 'weights');
    expect(table.row(1)).toEqual([1, ' b', answer.weights[2], answer.weights[3]]);
    const part = { ...viewOf(answer), queries: { from: 1, to: 2 }, keys: { from: 1, to: 2 } };
    expect(headPicture(part, 'weights').origin).toEqual({ row: 1, column: 1 });
  });
  it('lists the terms of the weighted sum', () => {
    expect(outputPicture(viewOf(answerOf())).describe({ row: 1, column: 0 })).toMatchObject({
      value: '18.0443',
      formula: 'Σ weight × value = 0.80443 × 20 + 0.19557 × 10 = 18.0443',
    });
  });
  it('says that a head is off, whose weights and values are those of the run', () => {
    const view = { ...viewOf(answerOf({ output: new Float32Array(4) })), isOff: true };
    expect(outputPicture(view).describe({ row: 1, column: 0 })).toMatchObject({
      value: '0',
      formula: 'the head is off: 0',
    });
    const interventions = [{ kind: 'head' as const, layer: 1, head: 0 }];
    expect([0, 1].map((head) => isHeadOff({ interventions }, { layer: 1, head }))).toEqual([true, false]);
  });
  it('explains with the keys and values that the answer has', () => {
    const answer = answerOf({ firstKey: 1, keys: Float32Array.of(2, 2), values: Float32Array.of(20, 0) });
    const view = { ...viewOf(answer), keys: { from: 1, to: 2 } };
    expect(headPicture(view, 'scores').describe({ row: 1, column: 0 }).formula).toBe(
      'q·k / √2 = 4 / 1.41421 = 2.82843',
    );
    expect(outputPicture(view).describe({ row: 1, column: 0 }).formula).toBe(
      'Σ weight × value = 0.80443 × 20 + 1 more = 18.0443',
    );
  });
  it.each([
    [4096, 256, 48, undefined],
    [12_300, 256, 48, { from: 12_252, to: 12_300 }],
    [32_768, 256, 48, { from: 32_720, to: 32_768 }],
    [131_072, 512, 16, { from: 131_056, to: 131_072 }],
  ])('is asked about what fits into an answer: %i tokens, head size %i', (count, headDim, rows, keys) => {
    const ops = [{ op: 'attention', attributes: { heads: 4 } }];
    const model = { program: { ops }, config: { contextSize: count, headDim } } as unknown as Model;
    const view = { layer: 0, head: 0, token: count - 1 };
    const query = headQuery(view, count);
    expect([query.to - query.from, query.keys]).toEqual([rows, keys]);
    for (const from of [null, 48, count]) {
      const asked = { ids: { length: count } as number[], interventions: [], query: headQuery(view, count, from) };
      expect(() => checkQuery(asked, model)).not.toThrow();
    }
    expect(headQuery(view, count, 48).keys).toEqual(keys && { from: 48, to: 96 });
    // Later ones are masked.
    expect(headQuery({ ...view, token: 0 }, count, 96).keys).toEqual(keys && { from: 0, to: rows });
  });
  it('offers the keys up to the queries, and all of them without the causal mask', () => {
    const ids = Array.from({ length: 100 }, (_, id) => id);
    const first = { from: 0, to: 48 };
    expect(keyParts(48, { ids, interventions: [] })).toEqual([first]);
    expect(keyParts(60, { ids, interventions: [] })).toEqual([first, { from: 48, to: 96 }]);
    const all = keyParts(48, { ids, interventions: [{ kind: 'causal_mask' }] });
    expect(all).toEqual([first, { from: 48, to: 96 }, { from: 96, to: 100 }]);
  });
  it('finds the strongest keys, and the weights of a token that the answer has', () => {
    const answer = answerOf();
    expect(strongestKeys(answer, 1, 1).map(({ key }) => key)).toEqual([1]);
    const query = headQuery({ layer: 1, head: 0, token: 1 }, 2);
    expect(query).toEqual({ kind: 'attention', layer: 1, head: 0, from: 0, to: 2 });
    expect(weightsOf({ query, answer }, 1)).toEqual(answer.weights.subarray(2));
    expect(weightsOf({ query, answer }, 2)).toBeNull();
  });
});
