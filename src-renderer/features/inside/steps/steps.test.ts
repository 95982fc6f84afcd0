import { describe, expect, it } from 'vitest';
import { tintOf } from '../picture/tint.ts';
import type { FeedForwardAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { bytesPicture, completedTexts, splitsCharacters } from './detokenize.ts';
import { firingCount, neuronsPicture } from './feed-forward.ts';
import { lensPicture } from './head.ts';
import { operations, roughCount, sequencesText } from './loop.ts';
import { dependsOnLayer, isStill, plainBase } from './position.ts';
import type { InsideToken } from './step-props.ts';
import { windowAround } from './token-window.ts';
import { foundBy, piecesPicture } from './tokenize.ts';
import { changesPicture, divergence, probabilities } from './what-if.ts';
import { partName } from './why.ts';

function tokenOf(facts: Partial<InsideToken>): InsideToken {
  return { id: 0, piece: '', bytes: [], special: false, unknown: false, merges: [], attempts: [], ...facts };
}

describe('the window of a long run', () => {
  it('shows short runs whole', () => {
    expect(windowAround(3, 48)).toEqual({ from: 0, to: 48 });
  });
  it('contains the token, at both ends and between, and stays while one moves within it', () => {
    for (let token = 0; token < 1000; token++) {
      const { from, to } = windowAround(token, 1000);
      expect(to - from).toBe(48);
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(1000);
      expect(token >= from && token < to).toBe(true);
    }
    expect(windowAround(500, 1000)).toEqual(windowAround(501, 1000));
  });
});

it('shows the tiles around the selected token, and all tokens in the table', () => {
  const tokens = Array.from({ length: 1000 }, (_, id) => tokenOf({ id, piece: `p${id}`, bytes: [0x61] }));
  const range = windowAround(700, tokens.length, 480);
  for (const picture of [piecesPicture(tokens, range), bytesPicture(tokens, range)]) {
    expect([picture.columns, picture.table.rows, picture.origin]).toEqual([480, 1000, { column: range.from }]);
    const facts = picture.describe({ row: 0, column: 700 - range.from });
    expect(facts.name).toBe('“p700” (token\u00a0700)');
  }
  expect(piecesPicture(tokens, range).describe({ row: 0, column: 0 }).value).toBe(`ID ${range.from}`);
});

it('says how a token was found', () => {
  expect(foundBy(tokenOf({ special: true, unknown: true }))).toBe('stands for text that the vocabulary cannot spell');
  expect(foundBy(tokenOf({ special: true }))).toBe('special token, added or parsed');
  expect(foundBy(tokenOf({ attempts: ['abc', 'ab'] }))).toBe('abc not in the vocabulary; ab is');
  expect(foundBy(tokenOf({ attempts: ['It'] }))).toBe('It is in the vocabulary');
});

it('marks tokens that begin or end within a character, also when as many bytes come as go', () => {
  const tokens = [[0x61], [0xc3], [0xa9, 0xc3], [0xa9]].map((bytes) => tokenOf({ bytes }));
  const { scene } = bytesPicture(tokens, { from: 0, to: 4 });
  const fills = scene.shapes.flatMap((shape) => (shape.kind === 'rect' ? [shape.fill] : []));
  expect(fills).toEqual(['--surface-3', '--accent-soft', '--accent-soft', '--accent-soft']);
  expect(splitsCharacters(tokens)).toBe(true);
});

it('says that a special token adds no text, and does not mark it', () => {
  const tokens = [tokenOf({ piece: '<BOS>', special: true }), tokenOf({ piece: 'a', bytes: [0x61] })];
  const picture = bytesPicture(tokens, { from: 0, to: 2 });
  expect(picture.describe({ row: 0, column: 0 }).value).toBe('no text');
  expect(picture.scene.shapes[0]).toMatchObject({ fill: '--surface-3' });
  expect(splitsCharacters(tokens)).toBe(false);
});

it('says what the neurons of a model compute', () => {
  const answer = (gated: boolean, name: FeedForwardAnswer['function']): FeedForwardAnswer => ({
    ...{ kind: 'feed_forward', function: name, gated, activations: Float32Array.of(0, 2) },
    neurons: [{ neuron: 1, activation: 2, promotes: [{ id: 3, piece: 'a', logit: 1 }], suppresses: [] }],
  });
  const formula = (shown: FeedForwardAnswer) =>
    neuronsPicture(shown, { tokens: [tokenOf({})], token: 0, layer: 0, chosen: 0 }).describe({ row: 0, column: 0 })
      .formula;
  expect(formula(answer(false, 'relu'))).toBe('a[1] = relu(W_in x)[1] = 2; promotes a');
  expect(formula(answer(true, 'silu'))).toBe('a[1] = silu(W_gate x)[1] × (W_up x)[1] = 2; promotes a');
});

it('leaves out neurons that do not fire', () => {
  const effects = { promotes: [], suppresses: [] };
  const answer: FeedForwardAnswer = {
    ...{ kind: 'feed_forward', function: 'relu', gated: false, activations: Float32Array.of(0, 2, 0) },
    neurons: [1, 0, 2].map((neuron) => ({ neuron, activation: neuron === 1 ? 2 : 0, ...effects })),
  };
  expect(firingCount(answer)).toBe(1);
  const picture = neuronsPicture(answer, { tokens: [tokenOf({})], token: 0, layer: 0, chosen: 0 });
  expect([picture.rows, picture.table.rows]).toEqual([1, 3]);
});

it('names a norm in the formula of the logit lens only where the model has one', () => {
  const layers = [{ layer: 0, top: [{ id: 3, piece: 'a', logit: 2, logprob: -1 }] }];
  const formulas = [true, false].map(
    (norm) => lensPicture({ kind: 'lens', norm, layers }, '').describe({ row: 0, column: 0 }).formula,
  );
  const rest = '[3], x: the residual stream after layer 1; logit 2';
  expect(formulas).toEqual([`softmax(head(norm(x)))${rest}`, `softmax(head(x))${rest}`]);
});

it('shows a character with the token of its last byte', () => {
  expect(completedTexts([[0x61], [0xe6, 0x97], [0xa5, 0x62]])).toEqual(['a', '', '日b']);
});

it('tints by absolute value, with another hue below zero', () => {
  expect([0, 1, 2].map((value) => tintOf(value, 1))).toEqual(['--weight-0', '--weight-8', '--weight-8']);
  expect([-1, -0.01].map((value) => tintOf(value, 1))).toEqual(['--surp-6', '--surp-0']);
  expect(tintOf(1, 0)).toBe('--weight-0');
});

it('counts the operations of the next token', () => {
  const model = { parameters: 100, layers: 2, heads: 2, headDim: 4, hiddenSize: 8, vocabularySize: 10 };
  // 4 x 2 x 2 x 4 = 64 for each pair of tokens.
  expect(operations(model, 3)).toEqual({ withCache: 200 + 3 * 64, withoutCache: 600 + 6 * 64 });
});

it.each([
  [[9, 1, 1], 1, 'It holds 3 sequences with 9, 1 and 1 tokens; 1 token is shared.'],
  [[1200, 800], 12, 'It holds 2 sequences with 1,200 and 800 tokens; 12 tokens are shared.'],
  [[9], 0, 'It holds 1 sequence with 9 tokens.'],
  [[1], 0, 'It holds 1 sequence with 1 token.'],
])('describes cached sequences of %j tokens', (sequences, shared, text) => {
  expect(sequencesText({ sequences, shared })).toBe(text);
});

it('writes estimates with two digits', () => {
  expect([964, 64_300, 4_907_140, 44_127_400, 999_600_000, 2.7e11, 1.24e12].map(roughCount)).toEqual([
    '960',
    '64,000',
    '4.9\u00a0million',
    '44\u00a0million',
    '1\u00a0billion',
    '270\u00a0billion',
    '1.2\u00a0trillion',
  ]);
});

describe('rotary frequencies', () => {
  const rotary = (frequencies: number[]) => ({
    ...{ headDim: 8, pairing: 'halves' as const, magnitude: 1, angles: new Float64Array(0) },
    frequencies: Float64Array.from(frequencies),
  });
  it('have a base if they are not scaled', () => {
    expect(plainBase(rotary([1, 0.1, 0.01, 0.001]))).toBe(10_000);
    expect(plainBase(rotary([1, 0.1, 0.01, 0.0001]))).toBeNull();
  });
  it('differ by layer, unlike the rows of a table', () => {
    const rows = new Float32Array(0);
    expect(dependsOnLayer({ rows, rotary: null })).toBe(false);
    expect(dependsOnLayer({ rows, rotary: rotary([1]) })).toBe(true);
    // Some layers of a rotary model may have no positions.
    expect(dependsOnLayer({ rows: null, rotary: null })).toBe(true);
  });
  it('are 0 where positions are off', () => {
    expect([isStill(rotary([0, 0])), isStill(rotary([1, 0.1]))]).toEqual([true, false]);
  });
});

it('turns logits into probabilities, and measures how far they are apart', () => {
  expect([...probabilities([0, Math.log(3), -Infinity], 1)].map((p) => Number(p.toFixed(12)))).toEqual([0.25, 0.75, 0]);
  const answer = (logits: number[]) => ({ kind: 'logits' as const, logits: Float32Array.from(logits), top: [] });
  expect(divergence(answer([1, 2]), answer([1, 2]), 1)).toBe(0);
  // (1/2) log2(1/2 / 1/4) + (1/2) log2(1/2 / 3/4)
  expect(divergence(answer([0, 0]), answer([0, Math.log(3)]), 1)).toBeCloseTo(0.5 + 0.5 * Math.log2(2 / 3), 6);
  // At a temperature of 0.1 the second token has e^-1000, which no number can hold: (1/2) ln(1/2) + (1/2) (ln(1/2) + 1000)
  expect(divergence(answer([0, 0]), answer([0, -100]), 0.1)).toBeCloseTo((Math.log(0.5) + 500) / Math.LN2, 3);
});

it('shows changes of probability in percentage points', () => {
  const changes = [0.75, 0.25, 0.499_99].map((after, id) => {
    return { id, piece: 'a', before: 0.5, after, logitBefore: 0, logitAfter: 0 };
  });
  const { shapes } = changesPicture(changes).scene;
  const shown = shapes.flatMap((shape) => (shape.kind === 'text' && shape.anchor === 'end' ? [shape.text] : []));
  expect(shown).toEqual(['25.00', '−25.00', '0.00']);
});

it('names the parts of an attribution, counted from 1 as on the page', () => {
  expect(['embed', 'attn:0.3', 'ffn:1', 'bias'].map(partName)).toEqual([
    'Embedding',
    'Layer 1, head 4',
    'Layer 2, feed-forward',
    'Biases',
  ]);
});
