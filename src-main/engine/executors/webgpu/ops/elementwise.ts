/** Operations that compute every value of a row from the values at the same place. */
import type { Activation } from '../../fusion.ts';
import { GROUP_INDEX, type Kernel, kernel, MAIN, RUN, spread, strideOf, THREADS } from '../shader.ts';

/** Values of the parameter `kind` of `activate`. */
const KINDS: Readonly<Record<Activation | 'none', number>> = { none: 0, relu: 1, silu: 2, gelu: 3 };

export const activationKind = (activation: Activation | null): number => KINDS[activation ?? 'none'];

/** WGSL of the activation functions, which linear operations apply too. NaN stays NaN, and no exponential overflows. */
export const ACTIVATE = `
fn activate(x: f32, kind: u32) -> f32 {
  if (kind == ${KINDS.relu}u) {
    return select(x, 0.0, x < 0.0);
  }
  if (kind == ${KINDS.silu}u) {
    return x / (1.0 + exp(min(-x, 80.0)));
  }
  if (kind == ${KINDS.gelu}u) {
    // (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), which does not cancel.
    let u = ${Math.sqrt(2 / Math.PI)} * (x + 0.044715 * x * x * x);
    return x / (1.0 + exp(min(-2.0 * u, 80.0)));
  }
  return x;
}
`;

/** y = activation(x) * factor. Bindings: run, x, y. */
export function mapped(width: number, activation: Activation | null, factor = 1): Kernel {
  const stride = strideOf(width);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { width, stride, kind: activationKind(activation) }, floats: { factor } },
    `${ACTIVATE}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * shape.stride) {
    return;
  }
  y[i] = select(0.0, activate(x[i], shape.kind) * shape.factor, i % shape.stride < shape.width);
}
`,
    (rows) => spread(Math.ceil((rows * stride) / THREADS)),
  );
}

/** Bindings: run, x, y. */
export function zeroHeads(width: number, headDim: number, heads: readonly number[]): Kernel {
  const stride = strideOf(width);
  // One bit per head, in words of 32.
  const masks: number[] = Array.from({ length: Math.ceil(width / headDim / 32) }, () => 0);
  for (const head of heads) masks[head >>> 5] = (masks[head >>> 5] | (1 << (head & 31))) >>> 0;
  return kernel(
    [
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { width, stride, headDim, ...Object.fromEntries(masks.map((mask, i) => [`mask${i}`, mask])) } },
    `
fn isOff(head: u32) -> bool {
  var mask = 0u;
${masks.map((_, i) => `  mask = select(mask, shape.mask${i}, (head >> 5u) == ${i}u);\n`).join('')}  return ((mask >> (head & 31u)) & 1u) == 1u;
}

${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * shape.stride) {
    return;
  }
  let column = i % shape.stride;
  y[i] = select(x[i], 0.0, column >= shape.width || isOff(column / shape.headDim));
}
`,
    (rows) => spread(Math.ceil((rows * stride) / THREADS)),
  );
}

/** Bindings: run, a, b, y. */
export function binary(op: 'add' | 'mul', width: number): Kernel {
  const stride = strideOf(width);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['a', 'array<f32>'],
      ['b', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { stride } },
    `
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i < run[${RUN.rows}] * shape.stride) {
    y[i] = a[i] ${op === 'add' ? '+' : '*'} b[i];
  }
}
`,
    (rows) => spread(Math.ceil((rows * stride) / THREADS)),
  );
}
