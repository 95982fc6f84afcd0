import { describe, expect, it } from 'vitest';
import { readTinyGolden } from '../test-support/tiny-gguf.ts';
import type { RopeParameters, RopeScaling } from './hyperparameters.ts';
import { ropeTable } from './rope-table.ts';

function rope(scaling: RopeScaling, changes: Partial<RopeParameters> = {}): RopeParameters {
  return { dimensionCount: 16, freqBase: 10_000, scaling, freqDivisors: null, attentionFactor: 1, ...changes };
}

const plain = ropeTable(rope({ type: 'none' }), 512).frequencies;

describe('ropeTable', () => {
  it('decreases geometrically from one radian per position', () => {
    expect(plain).toHaveLength(8);
    expect(plain[0]).toBe(1);
    for (let i = 1; i < 8; i++) expect(plain[i] / plain[i - 1]).toBeCloseTo(10_000 ** -0.125, 12);
  });

  it('scales all frequencies linearly', () => {
    const { frequencies, magnitude } = ropeTable(rope({ type: 'linear', factor: 4 }, { attentionFactor: 1.5 }), 512);
    expect(frequencies).toEqual(plain.map((frequency) => frequency / 4));
    expect(magnitude).toBe(1.5);
  });

  it('gives the same frequencies by the llama3 formula and by the divisors of a GGUF file', () => {
    const { weights } = readTinyGolden('llama-rope-freqs');
    const recipe = weights.find(({ name }) => name === 'rope_freqs.weight');
    const freqDivisors = recipe && 'values' in recipe ? recipe.values : [];
    const byFile = ropeTable(rope({ type: 'none' }, { freqBase: 500_000, freqDivisors }), 512).frequencies;
    const scaling = {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 64,
    } as const;
    const byFormula = ropeTable(rope(scaling, { freqBase: 500_000 }), 512).frequencies;
    // The divisors are float32.
    byFormula.forEach((frequency, i) => expect(frequency / byFile[i]).toBeCloseTo(1, 6));
  });

  it('keeps high frequencies and scales low ones', () => {
    const scaling = { type: 'yarn', factor: 4, originalContextLength: 64, betaFast: 32, betaSlow: 1 } as const;
    // Rotations within 64 tokens: 10.2, 3.2, 1.02, 0.3, ...: the ramp runs from pair floor(-1.0) < 0 to ceil(2.02) = 3.
    const whole = ropeTable(rope({ ...scaling, truncate: true }), 512).frequencies;
    const kept = [1, 2 / 3, 1 / 3, 0, 0, 0, 0, 0];
    whole.forEach((frequency, i) => expect(frequency / plain[i]).toBeCloseTo(kept[i] + (1 - kept[i]) / 4, 12));
    const high = (16 * Math.log(64 / (2 * Math.PI))) / (2 * Math.log(10_000));
    const exact = ropeTable(rope({ ...scaling, truncate: false }), 512).frequencies;
    expect(exact[1] / plain[1]).toBeCloseTo(1 - (1 / high) * (3 / 4), 12);
  });

  it("chooses LongRoPE's list by the loaded context size", () => {
    const scaling = {
      type: 'longrope',
      shortFactors: Array.from({ length: 8 }, () => 2),
      longFactors: Array.from({ length: 8 }, () => 5),
      originalContextLength: 256,
    } as const;
    expect(ropeTable(rope(scaling), 256).frequencies).toEqual(plain.map((frequency) => frequency / 2));
    expect(ropeTable(rope(scaling), 257).frequencies).toEqual(plain.map((frequency) => frequency / 5));
  });
});
