/** What all kernels share: bindings, the data of a run, and how work is spread over workgroups. */
import type { RopeAttributes } from '../../program/ops.ts';
import type { SubgroupSize } from './reductions.ts';

/** Threads of a workgroup: two subgroups of most GPUs, and within every adapter's limit. */
export const THREADS = 64;

/** Rows that share each unpacked weight in a batch, such as lanes. With fewer rows, they do not share it. */
export const MANY_ROWS = 4;
/** The same in long batches, such as prompts. */
export const TILE_ROWS = 8;

/** Largest number of workgroups in one direction, on every adapter. */
const MAX_WORKGROUPS = 65_535;

export type Workgroups = readonly [x: number, y: number, z: number];

/**
 * A compute shader with the entry point `main`. Sizes and other numbers of an operation are fields of the uniform `shape`
 * instead of constants in the code, so that few shaders are compiled for a model, and none for another of its architecture.
 */
export interface Kernel {
  /** @param subgroup threads of a subgroup, if the device has them */
  code(subgroup: SubgroupSize): string;
  /** Contents of `shape`. */
  readonly shape: Uint32Array<ArrayBuffer>;
  /**
   * Workgroups for a batch of `rows` rows.
   * @param longest most cells that a row attends to
   */
  workgroups(rows: number, longest: number): Workgroups;
}

/** Fields of `shape`: u32, then f32. */
export interface ShapeFields {
  readonly integers: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
}

/**
 * A kernel with its bindings: the storage buffers in this order, then `shape`.
 * @param body a function if it has reductions
 */
export function kernel(
  bindings: readonly Binding[],
  { integers, floats = {} }: ShapeFields,
  body: string | ((subgroup: SubgroupSize) => string),
  workgroups: Kernel['workgroups'],
): Kernel {
  const fields = [
    ...Object.keys(integers).map((name) => `  ${name}: u32,\n`),
    ...Object.keys(floats).map((name) => `  ${name}: f32,\n`),
  ];
  const shape = new Uint32Array(Math.ceil(fields.length / 4) * 4);
  shape.set(Object.values(integers));
  new Float32Array(shape.buffer).set(Object.values(floats), Object.keys(integers).length);
  const code = (subgroup: SubgroupSize) => {
    const hasSubgroups = subgroup !== null && typeof body === 'function';
    return `${hasSubgroups ? 'enable subgroups;\n' : ''}${declare(bindings)}struct Shape {
${fields.join('')}}
@group(0) @binding(${bindings.length}) var<uniform> shape: Shape;
${typeof body === 'function' ? body(subgroup) : body}`;
  };
  return { code, shape, workgroups };
}

/** `count` workgroups, and `rows` times as many in the third direction. The shader finds its own with `GROUP_INDEX`. */
export function spread(count: number, rows = 1): Workgroups {
  if (count <= MAX_WORKGROUPS) return [count, 1, rows];
  return [MAX_WORKGROUPS, Math.ceil(count / MAX_WORKGROUPS), rows];
}

/** A storage buffer of a kernel: its name in the shader, what it has, and whether it is written. */
export type Binding = readonly [name: string, type: string, access?: 'read_write'];

const declare = (bindings: readonly Binding[]): string =>
  bindings
    .map(([name, type, access = 'read'], i) => `@group(0) @binding(${i}) var<storage, ${access}> ${name}: ${type};\n`)
    .join('');

/** The parameters of `main`, and the workgroup's and the thread's number. */
export const MAIN = `@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
)`;
export const GROUP_INDEX = '(group.x + group.y * groups.x)';

/** Values from one row of an activation to the next: whole groups of four. */
export function strideOf(width: number): number {
  return 4 * Math.ceil(width / 4);
}

/** Where the data of a run's rows is in its buffer, in words; see `GpuRunInputs`. */
export interface RunLayout {
  /** Words per row. */
  readonly record: number;
  /** First words of the arrays in a row's record. */
  readonly windows: ReadonlyMap<number | null, number>;
  /** In the order of the rotary embeddings: cos, then sin. */
  readonly angles: readonly number[];
}

/** Steps of a draw: top-k, top-p, min-p, temperature. */
export const DRAW_STEPS = 4;
/**
 * Words before the rows: number of rows; number of rows whose logits are computed, and which; random number of a draw, and
 * kind and value of its steps.
 */
export const RUN = {
  ...{ rows: 0, logitRows: 1, logitIndices: 2 },
  ...{ random: 10, steps: 11, header: 20 },
} as const;
/** Rows whose logits are computed at once. */
export const LOGIT_ROWS = 8;
/** Words of a row's record. Indices into the contexts' cells: of the context's first, and behind the last attended to. */
export const ROW = { token: 0, position: 1, cell: 2, context: 3, end: 4, windows: 5 } as const;

/** WGSL that reads a row's record in the binding `run`, `array<u32>`, with its words in `shape.record`. */
export const OF_ROW = `
fn ofRow(row: u32, field: u32) -> u32 {
  return run[${RUN.header}u + row * shape.record + field];
}
`;

/**
 * tanh, accurate to a few ULP also for small values, and without overflow for large ones, where some drivers return NaN.
 */
const TANH = `
fn tanhOf(x: f32) -> f32 {
  let s = x * x;
  let small = x * (1.0 + s * (-0.33333333333 + s * (0.13333333333 + s * (-0.05396825397 + s * 0.02186948854))));
  let large = 1.0 - 2.0 / (exp(2.0 * clamp(x, -15.0, 15.0)) + 1.0);
  return select(large, small, abs(x) < 0.25);
}
`;

/**
 * WGSL for cap(s) = c * tanh(s / c); without a soft-cap, c is 0 and s unchanged. NaN stays NaN, which a clamp would turn into a
 * number. Its bits are compared, because WGSL promises nothing about NaN.
 */
export const CAP = `${TANH}
fn capped(value: f32, cap: f32) -> f32 {
  if (cap == 0.0 || (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u) {
    return value;
  }
  return cap * tanhOf(value / cap);
}
`;

/** WGSL that rotates value d of a head: its own, and the other of its pair. Reads `angles`, `pairs` and `distance` of the shape. */
export const ROTATION = `
/** Whether it is the first of its pair. The values of a pair are \`distance\` apart: 1, or as many as there are pairs. */
fn isFirstOfPair(d: u32) -> bool {
  return (d / shape.distance) % 2u == 0u;
}

fn rotated(own: f32, other: f32, d: u32, row: u32) -> f32 {
  let pair = select(d / 2u, d % shape.pairs, shape.distance == shape.pairs);
  let cosine = bitcast<f32>(ofRow(row, shape.angles + pair));
  let sine = bitcast<f32>(ofRow(row, shape.angles + shape.pairs + pair));
  if (isFirstOfPair(d)) {
    return own * cosine - other * sine;
  }
  return other * sine + own * cosine;
}
`;

/** Its fields of the shape: first word of cos and sin in a row's record. */
export function rotationFields(rope: RopeAttributes | null, angles: number): Record<string, number> {
  if (rope === null) return { pairs: 0, distance: 1, angles };
  const pairs = rope.frequencies.length;
  return { pairs, distance: rope.pairing === 'halves' ? pairs : 1, angles };
}
