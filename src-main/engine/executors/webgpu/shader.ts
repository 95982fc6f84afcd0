/** What all kernels share: bindings, the data of a run, and how work is spread over workgroups. */

/** Threads of a workgroup: two subgroups of most GPUs, and within every adapter's limit. */
export const THREADS = 64;

/** Largest number of workgroups in one direction, on every adapter. */
const MAX_WORKGROUPS = 65_535;

export type Workgroups = readonly [x: number, y: number, z: number];

/** A compute shader with the entry point `main`. */
export interface Kernel {
  readonly code: string;
  /** Workgroups for a batch of `rows` rows. */
  workgroups(rows: number): Workgroups;
}

/** `count` workgroups, and `rows` times as many in the third direction. The shader finds its own with `groupIndex`. */
export function spread(count: number, rows = 1): Workgroups {
  if (count <= MAX_WORKGROUPS) return [count, 1, rows];
  return [MAX_WORKGROUPS, Math.ceil(count / MAX_WORKGROUPS), rows];
}

/** A storage buffer of a kernel: its name in the shader, what it has, and whether it is written. */
export type Binding = readonly [name: string, type: string, access?: 'read_write'];

export const declare = (bindings: readonly Binding[]): string =>
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

/** Words before the rows: number of rows, number of rows whose logits are computed, and which. */
export const RUN = { rows: 0, logitRows: 1, logitIndices: 2, header: 16 } as const;
/** Rows whose logits are computed at once. */
export const LOGIT_ROWS = 8;
/** Words of a row's record. Indices into the contexts' cells: of the context's first, and behind the last attended to. */
export const ROW = { token: 0, position: 1, cell: 2, context: 3, end: 4, windows: 5 } as const;

/** WGSL that reads the binding `run`, `array<u32>`. */
export const runCode = ({ record }: RunLayout): string => `
fn ofRow(row: u32, field: u32) -> u32 {
  return run[${RUN.header}u + row * ${record}u + field];
}
`;

/**
 * tanh, accurate to a few ULP also for small values, and without overflow for large ones, where some drivers return NaN.
 */
export const TANH = `
fn tanhOf(x: f32) -> f32 {
  let s = x * x;
  let small = x * (1.0 + s * (-0.33333333333 + s * (0.13333333333 + s * (-0.05396825397 + s * 0.02186948854))));
  let large = 1.0 - 2.0 / (exp(2.0 * clamp(x, -15.0, 15.0)) + 1.0);
  return select(large, small, abs(x) < 0.25);
}
`;

/** WGSL for cap(s) = c * tanh(s / c). */
export const capped = (value: string, cap: number | null): string =>
  cap === null ? value : `(${float(cap)} * tanhOf((${value}) / ${float(cap)}))`;

/** A number as a WGSL literal of type f32. */
export function float(value: number): string {
  const text = String(Math.fround(value));
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`.replace(/e\+/, 'e');
}
