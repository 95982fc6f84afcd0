/** Row `indices[i]` of `table` `[rows, width]` for each i, into y `[indices, width]`. */
export function embed(table: Float32Array, width: number, indices: Int32Array, y: Float32Array): void {
  for (let i = 0; i < indices.length; i++) {
    y.set(table.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
}

export function add(a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i];
}

export function relu(x: Float32Array, y: Float32Array): void {
  // Written so that NaN stays NaN.
  for (let i = 0; i < y.length; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

/** (x - mean) / sqrt(variance + eps) * gain + bias over each row of x `[rows, width]`; biased variance, as PyTorch's. */
export function layerNorm(
  x: Float32Array,
  width: number,
  gain: Float32Array,
  bias: Float32Array,
  eps: number,
  y: Float32Array,
): void {
  for (let row = 0; row < x.length; row += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += x[row + i];
    const mean = sum / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[row + i] - mean) ** 2;
    const factor = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) y[row + i] = (x[row + i] - mean) * factor * gain[i] + bias[i];
  }
}
