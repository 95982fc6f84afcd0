/** Chooses the scale of a sub-block: weighted least squares over a few candidate scales, as in ggml's k-quants. */

export interface ScaleAndMinimum {
  /** >= 0. */
  scale: number;
  /** >= 0; subtracted. */
  minimum: number;
}

/**
 * Fits `x ~ scale * q - minimum`, q in 0..maxCode, to `count` values from index `from`. Values have the weight `rms +
 * |x|`, because large weights matter more. Tries 21 start scales around the range; for each the codes are fixed and scale
 * and minimum solved exactly.
 */
export function fitScaleAndMinimum(x: Float32Array, from: number, count: number, maxCode: number): ScaleAndMinimum {
  let low = 0;
  let high = -Infinity;
  let sumSquares = 0;
  for (let i = 0; i < count; i++) {
    const value = x[from + i];
    low = Math.min(low, value);
    high = Math.max(high, value);
    sumSquares += value * value;
  }
  if (high <= low) return { scale: 0, minimum: -low };
  const rms = Math.sqrt(sumSquares / count);
  let best: ScaleAndMinimum = { scale: (high - low) / maxCode, minimum: -low };
  let bestError = weightedError(x, from, count, maxCode, rms, best);
  for (let step = 0; step <= 20; step++) {
    const inverse = (-1 + 0.1 * step + maxCode) / (high - low);
    const solved = solve(x, from, count, maxCode, rms, low, inverse);
    for (const fit of solved ? [solved, refine(x, from, count, maxCode, rms, solved)] : []) {
      const error = weightedError(x, from, count, maxCode, rms, fit);
      if (error < bestError) {
        bestError = error;
        best = fit;
      }
    }
  }
  return best;
}

function solve(
  x: Float32Array,
  from: number,
  count: number,
  maxCode: number,
  rms: number,
  low: number,
  inverse: number,
): ScaleAndMinimum | null {
  let sumW = 0;
  let sumX = 0;
  let sumQ = 0;
  let sumQQ = 0;
  let sumXQ = 0;
  for (let i = 0; i < count; i++) {
    const value = x[from + i];
    const weight = rms + Math.abs(value);
    const q = Math.max(0, Math.min(maxCode, Math.round(inverse * (value - low))));
    sumW += weight;
    sumX += weight * value;
    sumQ += weight * q;
    sumQQ += weight * q * q;
    sumXQ += weight * value * q;
  }
  const determinant = sumW * sumQQ - sumQ * sumQ;
  if (determinant <= 0) return null;
  const scale = (sumW * sumXQ - sumX * sumQ) / determinant;
  const offset = (sumQQ * sumX - sumQ * sumXQ) / determinant;
  // The stored minimum cannot be negative.
  return offset > 0 ? { scale: sumXQ / sumQQ, minimum: 0 } : { scale, minimum: -offset };
}

/** Solves once more with the codes that the solution gives. */
function refine(
  x: Float32Array,
  from: number,
  count: number,
  maxCode: number,
  rms: number,
  fit: ScaleAndMinimum,
): ScaleAndMinimum {
  return (fit.scale > 0 && solve(x, from, count, maxCode, rms, -fit.minimum, 1 / fit.scale)) || fit;
}

function weightedError(
  x: Float32Array,
  from: number,
  count: number,
  maxCode: number,
  rms: number,
  { scale, minimum }: ScaleAndMinimum,
): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    const value = x[from + i];
    const q = Math.max(0, Math.min(maxCode, Math.round((value + minimum) / scale)));
    const difference = scale * q - minimum - value;
    error += (rms + Math.abs(value)) * difference * difference;
  }
  return error;
}

/**
 * Fits `x ~ scale * q`, q in -levels..levels-1, to `count` values from index `from`, weighted by x^2. The value of
 * largest magnitude may map to either end of the code range, so the scale may be negative.
 */
export function fitSymmetricScale(x: Float32Array, from: number, count: number, levels: number): number {
  let extreme = 0;
  for (let i = 0; i < count; i++) if (Math.abs(x[from + i]) > Math.abs(extreme)) extreme = x[from + i];
  if (extreme === 0) return 0;
  let best = 0;
  let bestGain = -1;
  for (let step = -9; step <= 9; step++) {
    const inverse = -(levels + 0.1 * step) / extreme;
    let sumXQ = 0;
    let sumQQ = 0;
    for (let i = 0; i < count; i++) {
      const value = x[from + i];
      const q = Math.max(-levels, Math.min(levels - 1, Math.round(inverse * value)));
      sumXQ += value * value * value * q;
      sumQQ += value * value * q * q;
    }
    // With the codes fixed, the error falls by exactly this much.
    const gain = sumQQ > 0 ? (sumXQ * sumXQ) / sumQQ : 0;
    if (gain > bestGain) {
      bestGain = gain;
      best = sumQQ > 0 ? sumXQ / sumQQ : 0;
    }
  }
  return best;
}
