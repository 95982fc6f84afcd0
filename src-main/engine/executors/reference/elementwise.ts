/** Copies row `indices[i]` of `table` `[rows, width]` for each i to y `[indices, width]`. */
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

export function mul(a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i];
}

export function scale(x: Float32Array, factor: number, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = x[i] * factor;
}

/** Copies x `[rows, width]` with the values of some heads, each `headDim` wide, set to 0. */
export function zeroHeads(
  x: Float32Array,
  headDim: number,
  heads: readonly number[],
  rows: number,
  y: Float32Array,
): void {
  y.set(x);
  const width = x.length / rows;
  for (let row = 0; row < rows; row++) {
    for (const head of heads) y.fill(0, row * width + head * headDim, row * width + (head + 1) * headDim);
  }
}

export function silu(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = x[i] / (1 + Math.exp(-x[i]));
}

/** The exact tanh form: ggml's table of f16 values is off by up to 4e-3. */
export function gelu(x: Float32Array, y: Float32Array): void {
  const factor = Math.sqrt(2 / Math.PI);
  for (let i = 0; i < y.length; i++) {
    const value = x[i];
    y[i] = 0.5 * value * (1 + Math.tanh(factor * value * (1 + 0.044715 * value * value)));
  }
}

/** Replaces x by cap * tanh(x / cap). */
export function softcap(x: Float32Array, cap: number): void {
  for (let i = 0; i < x.length; i++) x[i] = cap * Math.tanh(x[i] / cap);
}

/** x / sqrt(mean(x^2) + eps) * gain for each part of x that is as long as `gain`. */
export function rmsNorm(x: Float32Array, gain: Float32Array, eps: number, y: Float32Array): void {
  const width = gain.length;
  for (let part = 0; part < x.length; part += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[part + i] ** 2;
    const factor = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) y[part + i] = x[part + i] * factor * gain[i];
  }
}

/** (x - mean) / sqrt(variance + eps) * gain + bias for each row of x `[rows, width]`; biased variance, as in PyTorch. */
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
