import { describe, expect, it } from 'vitest';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { legendOf } from './colour-choices.ts';
import { bitsOf, probabilityStep, tintOf, type TokenMeasures } from './tint.ts';

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

describe('what tokens are coloured by', () => {
  const UNKNOWN: TokenMeasures = { logprob: null, rank: null, entropy: null };
  const tint = (by: TokenColours['by'], measures: Partial<TokenMeasures>, doubtBelow = 0.5) => {
    const found = tintOf({ by, doubtBelow }, { ...UNKNOWN, ...measures });
    return found === null ? null : `${found.scale}-${found.step} ${found.line ?? ''}`.trim();
  };

  it.each<[TokenColours['by'], Partial<TokenMeasures>, string | null]>([
    ['probability', { logprob: Math.log(0.95) }, 'prob-9'],
    ['probability', { logprob: Math.log(0.3) }, 'prob-3 dotted'],
    ['probability', { logprob: Math.log(0.05) }, 'prob-0 solid'],
    ['doubtful', { logprob: Math.log(0.6) }, null],
    ['doubtful', { logprob: Math.log(0.4) }, 'prob-4 dotted'],
    ['surprisal', { logprob: 0 }, 'surp-0'],
    ['surprisal', { logprob: Math.log(0.5) }, 'surp-1 dotted'],
    ['surprisal', { logprob: -12 * Math.LN2 }, 'surp-6 solid'],
    ['entropy', { entropy: 2 * Math.LN2 }, 'surp-2 dotted'],
    ['entropy', { entropy: 5 * Math.LN2 }, 'surp-3 solid'],
    ['rank', { rank: 1 }, 'surp-0'],
    ['rank', { rank: 2 }, 'surp-1 dotted'],
    ['rank', { rank: 99 }, 'surp-4 solid'],
    ['rank', { rank: 40_000 }, 'surp-6 solid'],
  ])('%s %j is %s', (by, measures, expected) => expect(tint(by, measures)).toBe(expected));

  it.each(['probability', 'surprisal', 'entropy', 'rank', 'doubtful'] as const)('%s: nothing if unknown', (by) => {
    expect(tint(by, {})).toBeNull();
  });

  it('has a legend with the steps that may be seen', () => {
    expect(legendOf({ by: 'doubtful', doubtBelow: 0.25 })).toMatchObject({ steps: [0, 1, 2], to: '25\u00a0%' });
    expect(legendOf({ by: 'doubtful', doubtBelow: 1 }).steps).toHaveLength(11);
    expect(legendOf({ by: 'doubtful', doubtBelow: 0.99 }).steps).toHaveLength(10);
    for (const by of ['surprisal', 'entropy', 'rank'] as const) {
      expect(legendOf({ by, doubtBelow: 0.5 })).toMatchObject({ scale: 'surp', steps: [0, 1, 2, 3, 4, 5, 6] });
    }
  });
});
