/** Operations that compute every value of a row from the values at the same place. */
import { declare, float, GROUP_INDEX, type Kernel, MAIN, RUN, spread, strideOf, THREADS } from '../shader.ts';

/** Activation functions, which linear operations apply too. NaN stays NaN, and no exponential overflows. */
export const ACTIVATIONS = {
  relu: 'fn relu(x: f32) -> f32 {\n  return select(x, 0.0, x < 0.0);\n}\n',
  silu: 'fn silu(x: f32) -> f32 {\n  return x / (1.0 + exp(min(-x, 80.0)));\n}\n',
  // (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), which does not cancel.
  gelu: `fn gelu(x: f32) -> f32 {
  let u = ${float(Math.sqrt(2 / Math.PI))} * (x + 0.044715 * x * x * x);
  return x / (1.0 + exp(min(-2.0 * u, 80.0)));
}
`,
} as const;

/** Bindings: run, x, y. */
function unary(width: number, value: string, functions = ''): Kernel {
  const stride = strideOf(width);
  return {
    workgroups: (rows) => spread(Math.ceil((rows * stride) / THREADS)),
    code: `${declare([
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ])}
${functions}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * ${stride}u) {
    return;
  }
  let column = i % ${stride}u;
  y[i] = ${value};
}
`,
  };
}

export const activation = (name: keyof typeof ACTIVATIONS, width: number): Kernel =>
  unary(width, `select(0.0, ${name}(x[i]), column < ${width}u)`, ACTIVATIONS[name]);

export const scale = (width: number, factor: number): Kernel =>
  unary(width, `select(0.0, x[i] * ${float(factor)}, column < ${width}u)`);

/** Bindings: run, x, y. */
export function zeroHeads(width: number, headDim: number, heads: readonly number[]): Kernel {
  const isOff = heads.map((head) => `column / ${headDim}u == ${head}u`).join(' || ');
  return unary(width, `select(x[i], 0.0, ${isOff || 'false'} || column >= ${width}u)`);
}

/** Bindings: run, a, b, y. */
export function binary(operator: '+' | '*', width: number): Kernel {
  const stride = strideOf(width);
  return {
    workgroups: (rows) => spread(Math.ceil((rows * stride) / THREADS)),
    code: `${declare([
      ['run', 'array<u32>'],
      ['a', 'array<f32>'],
      ['b', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ])}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i < run[${RUN.rows}] * ${stride}u) {
    y[i] = a[i] ${operator} b[i];
  }
}
`,
  };
}
