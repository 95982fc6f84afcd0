import type { OpOf } from '../program/ops.ts';
import type { Program } from '../program/program.ts';
import type { PartialRuns } from './partial-runs.ts';

type Norm = OpOf<'rmsNorm'> | OpOf<'layerNorm'>;

/** A norm with its scale held fixed: y = (x - mean(x)) * scale * gain + bias; the mean only of a layer norm. */
export interface FixedNorm {
  /** `[width]`: scale * gain. */
  readonly factors: Float64Array;
  /** `[width]`; zeros for an RMS norm. */
  readonly bias: Float32Array;
  readonly centred: boolean;
}

/**
 * The norm with the scale that a row gives it. Executors do not return their vectors of weights, so gain and bias are
 * read off what the norm does to two known rows.
 * @param row `[width]`: the input that determines the scale
 */
export async function fixNorm(runs: PartialRuns, program: Program, op: Norm, row: Float32Array): Promise<FixedNorm> {
  const width = row.length;
  const centred = op.op === 'layerNorm';
  // Zeros give the bias; 1, -1, 1, -1, ... has no value that is its mean, if it has more than one.
  const known = Float32Array.from({ length: 2 * width }, (_, i) => (i < width ? 0 : 1 - 2 * ((i - width) % 2)));
  const answers = await runs.tensor(program, op.inputs[0], known, op.output ?? 0);
  const bias = answers.slice(0, width);
  const probe = known.subarray(width);
  const [probeMean, probeScale] = statistics(probe, op);
  const [, scale] = statistics(row, op);
  const factors = Float64Array.from(probe, (value, i) => {
    const gain = (answers[width + i] - bias[i]) / ((value - probeMean) * probeScale);
    return gain * scale;
  });
  return { factors, bias, centred };
}

/** Mean (0 for an RMS norm) and scale of a row, in double precision. */
function statistics(row: Float32Array, op: Norm): [mean: number, scale: number] {
  const mean = op.op === 'layerNorm' ? row.reduce((sum, value) => sum + value, 0) / row.length : 0;
  const squares = row.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, 1 / Math.sqrt(squares / row.length + op.attributes.eps)];
}

/** Carries a covector of the norm's output back to its input. */
export function normTransposed({ factors, centred }: FixedNorm, covector: Float64Array): Float64Array {
  const scaled = covector.map((value, i) => value * factors[i]);
  if (!centred) return scaled;
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  return scaled.map((value) => value - mean);
}

/** Carries a part of the norm's input to its output, without the bias. */
export function normForward({ factors, centred }: FixedNorm, part: Float64Array): Float64Array {
  const mean = centred ? part.reduce((sum, value) => sum + value, 0) / part.length : 0;
  return part.map((value, i) => (value - mean) * factors[i]);
}
