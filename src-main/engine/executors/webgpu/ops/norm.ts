/** Normalisation of rows, or of their parts: one workgroup each. */
import { sumOf } from '../reductions.ts';
import { GROUP_INDEX, type Kernel, kernel, MAIN, spread, strideOf, THREADS } from '../shader.ts';

/**
 * Bindings: x, gain, operand, y. Without an operand, it is any buffer that is not written.
 * @param adds whether the operand is added
 */
export function rmsNorm(width: number, part: number, eps: number, adds: boolean): Kernel {
  return kernel(
    [
      ['x', 'array<f32>'],
      ['gain', 'array<f32>'],
      ['operand', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { stride: strideOf(width), part, adds: Number(adds) }, floats: { eps } },
    (subgroup) => `${sumOf(subgroup)}
${MAIN} {
  let start = group.z * shape.stride + ${GROUP_INDEX} * shape.part;
  var squares = 0.0;
  for (var i = local; i < shape.part; i += ${THREADS}u) {
    squares += x[start + i] * x[start + i];
  }
  let factor = 1.0 / sqrt(sumOf(squares, local) / f32(shape.part) + shape.eps);
  for (var i = local; i < shape.part; i += ${THREADS}u) {
    var value = x[start + i] * factor * gain[i];
    if (shape.adds == 1u) {
      value += operand[start + i];
    }
    y[start + i] = value;
  }
}
`,
    (rows) => spread(width / part, rows),
  );
}

/** Bindings: x, gain, bias, y. The variance is the mean of squared differences, which does not cancel. */
export function layerNorm(width: number, eps: number): Kernel {
  return kernel(
    [
      ['x', 'array<f32>'],
      ['gain', 'array<f32>'],
      ['bias', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { stride: strideOf(width), width }, floats: { eps } },
    (subgroup) => `${sumOf(subgroup)}
${MAIN} {
  let start = (group.z + ${GROUP_INDEX}) * shape.stride;
  var sum = 0.0;
  for (var i = local; i < shape.width; i += ${THREADS}u) {
    sum += x[start + i];
  }
  let mean = sumOf(sum, local) / f32(shape.width);
  var squares = 0.0;
  for (var i = local; i < shape.width; i += ${THREADS}u) {
    let difference = x[start + i] - mean;
    squares += difference * difference;
  }
  let factor = 1.0 / sqrt(sumOf(squares, local) / f32(shape.width) + shape.eps);
  for (var i = local; i < shape.width; i += ${THREADS}u) {
    y[start + i] = (x[start + i] - mean) * factor * gain[i] + bias[i];
  }
}
`,
    (rows) => spread(1, rows),
  );
}
