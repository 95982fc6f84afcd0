import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';

/** Colour of a token: a step of one of the scales of `tokens.css`, and the underline that says the same without colour. */
export interface Tint {
  scale: 'prob' | 'surp';
  step: number;
  line: 'dotted' | 'solid' | null;
}

/** The tint of a token of a reply. @param logprob natural log of the model's own probability */
export type TintOfToken = (index: number, logprob: number) => Tint | null;

/** What a token can be coloured by; null: unknown. */
export interface TokenMeasures {
  /** Natural log of the model's own probability. */
  logprob: number | null;
  /** From 1. */
  rank: number | null;
  /** Nats. */
  entropy: number | null;
}

export const UNKNOWN_MEASURES: Pick<TokenMeasures, 'rank' | 'entropy'> = { rank: null, entropy: null };

/** Lower ends of the steps of the surprise scale, bits. */
export const BIT_STEPS = [0, 1, 2, 4, 6, 9, 12] as const;
/** The same for ranks. */
export const RANK_STEPS = [1, 2, 3, 5, 10, 100, 1000] as const;
/** From this many bits, and from this rank on, the underline is solid; below, from the second step on, it is dotted. */
export const SOLID_FROM = { bits: 4, rank: 10 } as const;

/**
 * Step of a token's tint on the probability scale: tenths, and a last step from 0.99.
 *
 * @param logprob natural log of the model's own probability
 * @returns 0 to 10
 */
export function probabilityStep(logprob: number): number {
  const probability = Math.exp(logprob);
  // The epsilon keeps rounding errors of exp from moving 0.9 to the tenth below.
  return probability >= 0.99 ? 10 : Math.min(9, Math.floor(10 * probability + 1e-9));
}

/** Surprisal in bits: -log2 of the probability. */
export function bitsOf(logprob: number): number {
  return Math.max(0, -logprob / Math.LN2);
}

/** A token's tint; null for none, because nothing is known or, of `doubtful` tokens, it is not one. */
export function tintOf({ by, doubtBelow }: TokenColours, { logprob, rank, entropy }: TokenMeasures): Tint | null {
  switch (by) {
    case 'probability':
      return logprob === null ? null : probabilityTint(logprob);
    case 'doubtful':
      return logprob === null || Math.exp(logprob) >= doubtBelow ? null : probabilityTint(logprob);
    case 'surprisal':
      return logprob === null ? null : surpriseTint(bitsOf(logprob), BIT_STEPS, SOLID_FROM.bits);
    case 'entropy':
      return entropy === null ? null : surpriseTint(entropy / Math.LN2, BIT_STEPS, SOLID_FROM.bits);
    case 'rank':
      return rank === null ? null : surpriseTint(rank, RANK_STEPS, SOLID_FROM.rank);
  }
}

function probabilityTint(logprob: number): Tint {
  const step = probabilityStep(logprob);
  return { scale: 'prob', step, line: step === 0 ? 'solid' : step < 5 ? 'dotted' : null };
}

function surpriseTint(value: number, steps: readonly number[], solidFrom: number): Tint {
  // The epsilon as above: exactly one bit may come out a little less.
  const step = steps.findLastIndex((from) => value + 1e-9 >= from);
  const line = step < 1 ? null : value + 1e-9 >= solidFrom ? 'solid' : 'dotted';
  return { scale: 'surp', step: Math.max(0, step), line };
}
