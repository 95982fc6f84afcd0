import { expect, it } from 'vitest';
import { headsText, memoryParts, memoryText, quantisationMix } from './facts.ts';

it('gives the KV heads where they are fewer', () => {
  expect(headsText({ heads: 4, kvHeads: 4 })).toBe('4');
  expect(headsText({ heads: 9, kvHeads: 3 })).toBe('9 (3 KV heads)');
  expect(headsText({ heads: 8, kvHeads: 1 })).toBe('8 (1 KV head)');
});

it('splits the memory into its parts, and says when weights are unpacked', () => {
  const parts = memoryParts({ contextSize: 1000, weights: 6_000_000, kvCache: 2_000_000, scratch: 500_000 }, 1_500_000);
  expect(parts.map((part) => [part.name, part.text])).toEqual([
    ['Weights, unpacked to F32', '6.0\u00a0MB'],
    ['KV cache, 2.0\u00a0kB per token', '2.0\u00a0MB'],
    ['Working space', '500\u00a0kB'],
  ]);
  const packed = memoryParts({ contextSize: 0, weights: 6_000_000, kvCache: 0, scratch: 0 }, 10_000_000);
  expect(packed.map((part) => part.name)).toEqual(['Weights', 'KV cache, 0\u00a0B per token', 'Working space']);
  expect(memoryText({ weights: 6_000_000, kvCache: 2_000_000, scratch: 500_000 })).toBe(
    'Weights 6.0\u00a0MB, KV cache 2.0\u00a0MB, working space 500\u00a0kB',
  );
});

it('orders the types of weights by their bits, with their shares of the bytes', () => {
  const type = (name: string, bytes: number) => ({ type: name, tensors: 1, bytes });
  const { parts, bitsPerWeight } = quantisationMix({
    parameters: 1600,
    tensorTypes: [type('Q5_0', 460), type('Q8_0', 290), type('Q4_K', 130), type('Q6_K', 116), type('F32', 4)],
  });
  expect(parts.map((part) => part.text)).toEqual([
    'Q4_K 13\u00a0%',
    'Q5_0 46\u00a0%',
    'Q6_K 12\u00a0%',
    'Q8_0 29\u00a0%',
    'F32 <\u00a01\u00a0%',
  ]);
  expect(parts.map((part) => part.step)).toEqual([2, 3, 5, 6, 8]);
  expect(bitsPerWeight).toBe(5);
});

it('knows how many bits every type has', () => {
  const names = ['Q2_K', 'Q3_K', 'IQ4_XS', 'MXFP4', 'Q5_1', 'Q6_K', 'Q8_0', 'F16', 'BF16', 'F32'];
  const { parts } = quantisationMix({
    parameters: 0,
    tensorTypes: names.map((type) => ({ type, tensors: 1, bytes: 0 })),
  });
  expect(parts.map((part) => part.step)).toEqual([1, 1, 2, 2, 3, 5, 6, 7, 7, 8]);
});
