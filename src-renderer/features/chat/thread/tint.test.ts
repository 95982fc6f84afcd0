import { describe, expect, it } from 'vitest';
import { bitsOf, probabilityStep } from './tint.ts';

describe('tint', () => {
  it.each([
    [0, 0],
    [0.0999, 0],
    [0.1, 1],
    [0.3, 3],
    [0.49, 4],
    [0.5, 5],
    [0.7, 7],
    [0.9, 9],
    [0.9899, 9],
    [0.99, 10],
    [1, 10],
  ])('probability %f is step %i', (probability, step) => expect(probabilityStep(Math.log(probability))).toBe(step));

  it('measures surprisal in bits', () => {
    expect(bitsOf(Math.log(0.25))).toBeCloseTo(2, 12);
    expect(bitsOf(0)).toBe(0);
    expect(bitsOf(1e-9)).toBe(0);
  });
});
