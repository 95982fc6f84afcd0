import type { RopeParameters, RopeScaling } from './hyperparameters.ts';

/** Attributes of the `rope` operation. */
export interface RopeTable {
  /** `[dimensionCount / 2]`: radians per position. */
  readonly frequencies: readonly number[];
  readonly magnitude: number;
}

/**
 * The frequencies of a rotary embedding with scaling applied, in double precision.
 * @param contextSize tokens that the model is loaded for: decides between LongRoPE's two lists
 */
export function ropeTable(rope: RopeParameters, contextSize: number): RopeTable {
  const { dimensionCount, freqBase, freqDivisors, scaling, attentionFactor } = rope;
  const frequencies = Array.from({ length: dimensionCount / 2 }, (_, pair) => {
    const plain = freqBase ** ((-2 * pair) / dimensionCount) / (freqDivisors?.[pair] ?? 1);
    return scale(plain, pair, rope, scaling, contextSize);
  });
  return { frequencies, magnitude: attentionFactor };
}

function scale(
  frequency: number,
  pair: number,
  rope: RopeParameters,
  scaling: RopeScaling,
  contextSize: number,
): number {
  switch (scaling.type) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3': {
      const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
      // Rotations within the original context. Pairs with many are kept, those with few are scaled.
      const turns = (originalContextLength * frequency) / (2 * Math.PI);
      const kept = clamp((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
      return frequency * ((1 - kept) / factor + kept);
    }
    case 'yarn': {
      const kept = 1 - yarnRamp(pair, rope, scaling);
      return frequency * ((1 - kept) / scaling.factor + kept);
    }
    case 'longrope': {
      const { shortFactors, longFactors, originalContextLength } = scaling;
      return frequency / (contextSize > originalContextLength ? longFactors : shortFactors)[pair];
    }
  }
}

/** Share of scaling of the pair's frequency: 0 for pairs with many rotations, 1 for those with few. */
function yarnRamp(pair: number, rope: RopeParameters, scaling: Extract<RopeScaling, { type: 'yarn' }>): number {
  const { dimensionCount, freqBase } = rope;
  const { originalContextLength, betaFast, betaSlow, truncate } = scaling;
  /** The (fractional) pair with so many rotations within the original context. */
  const pairOfRotations = (turns: number) =>
    (dimensionCount * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(freqBase));
  const [fast, slow] = [pairOfRotations(betaFast), pairOfRotations(betaSlow)];
  const low = Math.max(0, truncate ? Math.floor(fast) : fast);
  const high = Math.min(dimensionCount - 1, truncate ? Math.ceil(slow) : slow);
  // The minimum difference prevents a division by 0 for an empty ramp.
  return clamp((pair - low) / Math.max(0.001, high - low));
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
