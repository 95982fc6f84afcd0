import { describe, expect, it } from 'vitest';
import { tintOf } from '../picture/tint.ts';
import { completedTexts } from './detokenize.ts';
import { operations } from './loop.ts';
import { plainBase } from './position.ts';
import { windowAround } from './token-window.ts';
import { divergence, probabilities } from './what-if.ts';
import { partName } from './why.ts';

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

describe('rotary frequencies', () => {
  const rotary = (frequencies: number[]) => ({
    ...{ headDim: 8, pairing: 'halves' as const, magnitude: 1, angles: new Float64Array(0) },
    frequencies: Float64Array.from(frequencies),
  });
  it('have a base if they are not scaled', () => {
    expect(plainBase(rotary([1, 0.1, 0.01, 0.001]))).toBe(10_000);
    expect(plainBase(rotary([1, 0.1, 0.01, 0.0001]))).toBeNull();
  });
});

it('turns logits into probabilities, and measures how far they are apart', () => {
  expect([...probabilities([0, Math.log(3), -Infinity], 1)].map((p) => Number(p.toFixed(12)))).toEqual([0.25, 0.75, 0]);
  const answer = (logits: number[]) => ({ kind: 'logits' as const, logits: Float32Array.from(logits), top: [] });
  expect(divergence(answer([1, 2]), answer([1, 2]), 1)).toBe(0);
  // (1/2) log2(1/2 / 1/4) + (1/2) log2(1/2 / 3/4)
  expect(divergence(answer([0, 0]), answer([0, Math.log(3)]), 1)).toBeCloseTo(0.5 + 0.5 * Math.log2(2 / 3), 6);
});

it('names the parts of an attribution, counted from 1 as on the page', () => {
  expect(['embed', 'attn:0.3', 'ffn:1', 'bias'].map(partName)).toEqual([
    'Embedding',
    'Layer 1, head 4',
    'Layer 2, feed-forward',
    'Biases',
  ]);
});
