import type { RopeAttributes } from '../../program/ops.ts';
import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { FusedOp } from './fusion.ts';
import { align, type Allocator } from './kernel-memory.ts';
import { type PlanMemory, quantizedStride, strideOf } from './plan.ts';
import { LAYOUT_F16, LAYOUT_F32, RUN_BYTES } from './plan-layout.ts';
import type { WeightLayout } from './weight-layouts.ts';
import type { PackedWeights } from './weights.ts';

export interface BufferSizes {
  readonly cells: number;
  /** Rows of one slice at most. */
  readonly rows: number;
  /** Rows whose logits are computed at once. */
  readonly logitRows: number;
}

/** Tables of angles for the rows of a run: one per kind of rotary embedding. */
export interface RopeTable {
  readonly attributes: RopeAttributes;
  /** `[rows, cos[pairs] then sin[pairs]]`. */
  readonly at: number;
}

/** Everything beside the weights that lives as long as the model. */
export interface Buffers {
  readonly size: BufferSizes;
  readonly plan: PlanMemory;
  readonly ropeTables: readonly RopeTable[];
  /** Distinct windows of attention; null stands for none. */
  readonly windows: readonly (number | null)[];
  /** The run's header, `RUN_*`. */
  readonly run: number;
  /** `[rows]` each. */
  readonly rowArrays: {
    readonly tokens: number;
    readonly positions: number;
    readonly cells: number;
    readonly contexts: number;
    readonly ends: number;
    /** `[windows, rows]`. */
    readonly starts: number;
    readonly logitIndices: number;
  };
  /** Most heads that share one K/V head. */
  readonly largestGroup: number;
  readonly fewestKvHeads: number;
  /** Room for one panel of weights as the kernels multiply it, for each thread. */
  readonly tileBytes: number;
  readonly bytes: { readonly weights: number; readonly kvCache: number };
}

export function allocateBuffers(
  program: Program,
  fused: readonly FusedOp[],
  weights: PackedWeights,
  memory: Allocator,
  size: BufferSizes,
): Buffers {
  const weightBytes = memory.allocated;
  const { cells, rows, logitRows } = size;
  const storage = () =>
    program.kvWidths.map((width) => memory.allocate(4 * cells * width, `K and V of ${cells} tokens`));
  const keys = storage();
  const values = storage();
  const kvCache = memory.allocated - weightBytes;

  const { slots, slotWidths } = planMemory({ ...program, ops: fused }, { cells, rows });
  const slotAddresses = slotWidths.map((width) => memory.allocate(rows * strideOf(width), 'activations'));
  const widest = Math.max(...program.tensors.map(({ width }) => width));
  const logitWidth = program.tensors[program.ops.at(-1)!.inputs[0]].width;
  const ropeTables: RopeTable[] = [];
  const windows: (number | null)[] = [null];
  let largestGroup = 1;
  let fewestKvHeads = Infinity;
  for (const op of program.ops) {
    if (op.op === 'rope' && !ropeTables.some((table) => sameAngles(table.attributes, op.attributes))) {
      const at = memory.allocate(rows * 8 * op.attributes.frequencies.length, 'rotary embedding');
      ropeTables.push({ attributes: op.attributes, at });
    }
    if (op.op !== 'attention') continue;
    if (!windows.includes(op.attributes.window)) windows.push(op.attributes.window);
    largestGroup = Math.max(largestGroup, op.attributes.heads / op.attributes.kvHeads);
    fewestKvHeads = Math.min(fewestKvHeads, op.attributes.kvHeads);
  }
  const layouts = [...weights.values()].flatMap(({ layout, width }) => (layout ? [{ layout, width }] : []));
  const floats = layouts.some(({ layout }) => layout.id === LAYOUT_F16);
  const rowArray = (count = rows) => memory.allocate(4 * count, 'a run');
  return {
    size,
    ropeTables,
    windows,
    largestGroup,
    fewestKvHeads,
    tileBytes: align(TILE_HEAD + Math.max(TILE_BLOCK, ...layouts.map(tileBytesOf))),
    plan: {
      weights,
      keys,
      values,
      cells,
      activations: slots.map((slot) => slotAddresses[slot]),
      prepared: memory.allocate(
        Math.max(rows, logitRows) * (floats ? strideOf(widest) : quantizedStride(widest)),
        'activations',
      ),
      logitInputs: memory.allocate(logitRows * strideOf(logitWidth), 'activations'),
      logits: memory.allocate(align(logitRows * strideOf(program.vocabularySize)), 'logits'),
      ropeTable: (attributes) => ropeTables.find((table) => sameAngles(table.attributes, attributes))!.at,
      windowIndex: (window) => windows.indexOf(window),
    },
    run: memory.allocate(RUN_BYTES, 'a run'),
    rowArrays: {
      tokens: rowArray(),
      positions: rowArray(),
      cells: rowArray(),
      contexts: rowArray(),
      ends: rowArray(),
      starts: rowArray(windows.length * rows),
      logitIndices: rowArray(logitRows),
    },
    bytes: { weights: weightBytes, kvCache },
  };
}

/** Sums of four rows, before each tile. */
const TILE_HEAD = 128;
/** The largest block of a tile of integers. */
const TILE_BLOCK = 288;

function tileBytesOf({ layout, width }: { layout: WeightLayout; width: number }): number {
  if (layout.id === LAYOUT_F32) return 0;
  return layout.quantized ? (width / 32) * TILE_BLOCK : 32 * (width + 1);
}

function sameAngles(a: RopeAttributes, b: RopeAttributes): boolean {
  return (
    a === b ||
    (a.magnitude === b.magnitude &&
      a.frequencies.length === b.frequencies.length &&
      a.frequencies.every((frequency, i) => frequency === b.frequencies[i]))
  );
}
