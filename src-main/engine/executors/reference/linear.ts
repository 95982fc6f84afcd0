/**
 * y = x W^T + b: x `[rows, inputs]`, W `[outputs, inputs]`, b `[outputs]` or null, y `[rows, outputs]`.
 *
 * Every output is one sum in double precision over the inputs in order, whatever the number of rows. So a token gives the
 * same bits alone, in a slice and in a whole prompt. Several sums are interleaved only to keep the CPU busy.
 */
export function linear(
  x: Float32Array,
  rows: number,
  inputs: number,
  weight: Float32Array,
  bias: Float32Array | null,
  outputs: number,
  y: Float32Array,
  poll: () => void,
): void {
  const blocked = rows - (rows % 4);
  for (let row = 0; row < blocked; row += 4) fourRows(x, row, inputs, weight, bias, outputs, y, poll);
  for (let row = blocked; row < rows; row++) oneRow(x, row, inputs, weight, bias, outputs, y, poll);
}

/** Outputs between checks of the cancel flag: well under a millisecond for the widest rows. */
const POLL_MASK = 127;

function fourRows(
  x: Float32Array,
  row: number,
  inputs: number,
  weight: Float32Array,
  bias: Float32Array | null,
  outputs: number,
  y: Float32Array,
  poll: () => void,
): void {
  const x0 = row * inputs;
  const x1 = x0 + inputs;
  const x2 = x1 + inputs;
  const x3 = x2 + inputs;
  const y0 = row * outputs;
  for (let output = 0; output < outputs; output++) {
    if ((output & POLL_MASK) === 0) poll();
    const w = output * inputs;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < inputs; i++) {
      const factor = weight[w + i];
      a += x[x0 + i] * factor;
      b += x[x1 + i] * factor;
      c += x[x2 + i] * factor;
      d += x[x3 + i] * factor;
    }
    const offset = bias ? bias[output] : 0;
    y[y0 + output] = a + offset;
    y[y0 + outputs + output] = b + offset;
    y[y0 + 2 * outputs + output] = c + offset;
    y[y0 + 3 * outputs + output] = d + offset;
  }
}

function oneRow(
  x: Float32Array,
  row: number,
  inputs: number,
  weight: Float32Array,
  bias: Float32Array | null,
  outputs: number,
  y: Float32Array,
  poll: () => void,
): void {
  const x0 = row * inputs;
  const y0 = row * outputs;
  let output = 0;
  for (; output + 4 <= outputs; output += 4) {
    if ((output & POLL_MASK) === 0) poll();
    const w0 = output * inputs;
    const w1 = w0 + inputs;
    const w2 = w1 + inputs;
    const w3 = w2 + inputs;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < inputs; i++) {
      const factor = x[x0 + i];
      a += factor * weight[w0 + i];
      b += factor * weight[w1 + i];
      c += factor * weight[w2 + i];
      d += factor * weight[w3 + i];
    }
    y[y0 + output] = a + (bias ? bias[output] : 0);
    y[y0 + output + 1] = b + (bias ? bias[output + 1] : 0);
    y[y0 + output + 2] = c + (bias ? bias[output + 2] : 0);
    y[y0 + output + 3] = d + (bias ? bias[output + 3] : 0);
  }
  for (; output < outputs; output++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += x[x0 + i] * weight[output * inputs + i];
    y[y0 + output] = sum + (bias ? bias[output] : 0);
  }
}
