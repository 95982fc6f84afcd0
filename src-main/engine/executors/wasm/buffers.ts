import type { AttentionAttributes, RopeAttributes } from '../../program/ops.ts';
import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { KvCacheType } from '../../api/types.ts';
import { MAX_ROWS } from '../executor.ts';
import type { FusedOp } from '../fusion.ts';
import { isCausal } from '../batch.ts';
import { align, type Allocator } from './kernel-memory.ts';
import { KV_STORAGE, paddedHead, storageBytes } from './kv-storage.ts';
import { logitSumsStride, type PlanMemory, quantizedStride, strideOf } from './plan.ts';
import { KEPT_PANELS, LAYOUT_F32, RUN_BYTES } from './plan-layout.ts';
import type { WeightLayout } from './weight-layouts.ts';
import { type PackedWeights, viewKey } from './weights.ts';

export interface BufferSizes {
  readonly cells: number;
  /** Maximum rows of one slice. */
  readonly rows: number;
  /** Rows whose logits are computed at once. */
  readonly logitRows: number;
  readonly kvCacheType: KvCacheType;
}

/** Rows whose logits are computed at once. */
const LOGIT_ROWS = 8;

export function bufferSizes(cells: number, kvCacheType: KvCacheType): BufferSizes {
  return { cells, rows: Math.min(cells, MAX_ROWS), logitRows: LOGIT_ROWS, kvCacheType };
}

/** Tables of rotation angles for the rows of a run, one per kind of rotary embedding. */
export interface RopeTable {
  readonly attributes: RopeAttributes;
  /** `[rows, cos[pairs] then sin[pairs]]`. */
  readonly at: number;
}

/** Sizes of attention's scratch memory, for whichever layer runs. */
export interface AttentionExtents {
  readonly heads: number;
  readonly fewestKvHeads: number;
  /** Values of a head as the kernels store them, with padding. */
  readonly headValues: number;
  /** Maximum rows that attend together, and their queries: rows x the heads that share a K/V head. */
  readonly blockRows: number;
  readonly blockQueries: number;
}

/** Addresses of all in one memory that lives as long as the model, except weights. */
export interface Buffers {
  readonly size: BufferSizes;
  readonly plan: PlanMemory;
  readonly ropeTables: readonly RopeTable[];
  /** Distinct attention windows; null for none. */
  readonly windows: readonly (number | null)[];
  /** Whether tokens attend to none after them. */
  readonly causal: boolean;
  /** The run's header, `RUN_*`. */
  readonly run: number;
  /** `[rows]` each. */
  readonly rowArrays: {
    readonly tokens: number;
    readonly positions: number;
    readonly cells: number;
    readonly contexts: number;
    readonly ends: number;
    /** `[rows, 2]`. */
    readonly blocks: number;
    /** `[windows, rows]`. */
    readonly starts: number;
    readonly logitIndices: number;
  };
  readonly attention: AttentionExtents;
  /** Scratch bytes for two panels of unpacked weights, per thread. */
  readonly tileBytes: number;
  readonly bytes: { readonly weights: number; readonly kvCache: number };
}

/**
 * @param weights in this memory
 * @param layers whose K and V are in this memory
 */
export function allocateBuffers(
  program: Program,
  fused: readonly FusedOp[],
  weights: PackedWeights,
  layers: ReadonlySet<number>,
  memory: Allocator,
  size: BufferSizes,
): Buffers {
  const weightBytes = memory.allocated;
  const { cells, rows, kvCacheType } = size;
  const attentions = attentionsOf(program);
  const { keys, values } = allocateKv(program, memory, cells, kvCacheType, layers);
  const kvCache = memory.allocated - weightBytes;

  const { slots, slotWidths } = planMemory({ ...program, ops: fused }, { cells, rows });
  const slotAddresses = slotWidths.map((width) => memory.allocate(rows * strideOf(width), 'activations'));
  const widest = Math.max(...program.tensors.map(({ width }) => width));
  const logits = program.ops.at(-1)!;
  const logitWidth = program.tensors[logits.inputs[0]].width;
  const logitRows = weights.has(viewKey(logits.weights[0])) ? size.logitRows : 0;
  const ropeTables: RopeTable[] = [];
  const windows: (number | null)[] = [null];
  for (const op of program.ops) {
    if (op.op === 'rope' && !ropeTables.some((table) => sameAngles(table.attributes, op.attributes))) {
      const at = memory.allocate(rows * 8 * op.attributes.frequencies.length, 'rotary embedding');
      ropeTables.push({ attributes: op.attributes, at });
    }
  }
  for (const { window } of attentions) if (!windows.includes(window)) windows.push(window);
  const layouts = [...weights.values()].flatMap(({ layout, width }) => (layout ? [{ layout, width }] : []));
  const floats = layouts.some(({ layout }) => layout.input === 'scaled');
  const rowArray = (count = rows) => memory.allocate(4 * count, 'a run');
  return {
    size,
    ropeTables,
    windows,
    causal: isCausal(program),
    attention: extentsOf(attentions),
    tileBytes: align(Math.max(PANEL_SUMS, TILE_HEAD + 2 * Math.max(TILE_BLOCK, ...layouts.map(tileBytesOf)))),
    plan: {
      weights,
      keys,
      values,
      cells,
      kvLayout: KV_STORAGE[kvCacheType].layout,
      activations: slots.map((slot) => slotAddresses[slot]),
      prepared: memory.allocate(
        roundUpThreeRows(Math.max(rows, logitRows)) * (floats ? strideOf(widest) : quantizedStride(widest)),
        'activations',
      ),
      logitInputs: memory.allocate(logitRows * strideOf(logitWidth), 'activations'),
      logits: memory.allocate(align(logitRows * strideOf(program.vocabularySize)), 'logits'),
      logitSums: memory.allocate(logitRows * logitSumsStride(program.vocabularySize), 'logits'),
      logitWeights: memory.allocate(Math.min(logitRows, 1) * strideOf(program.vocabularySize), 'logits'),
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
      blocks: rowArray(2 * rows),
      starts: rowArray(windows.length * rows),
      logitIndices: rowArray(logitRows),
    },
    bytes: { weights: weightBytes, kvCache },
  };
}

function attentionsOf(program: Program): AttentionAttributes[] {
  return program.ops.flatMap((op) => (op.op === 'attention' ? [op.attributes] : []));
}

/** Allocates storage of K and V of these layers, by layer. */
export function allocateKv(
  program: Program,
  memory: Allocator,
  cells: number,
  type: KvCacheType,
  layers: ReadonlySet<number>,
): { keys: number[]; values: number[] } {
  const bytes = kvBytes(program, cells, type);
  const storage = () =>
    bytes.map((ofLayer, layer) => memory.allocate(layers.has(layer) ? ofLayer : 0, `K and V of ${cells} tokens`));
  return { keys: storage(), values: storage() };
}

/** Bytes of K, and of V, by layer. */
export function kvBytes(program: Program, cells: number, type: KvCacheType): number[] {
  const attentions = attentionsOf(program);
  return program.kvWidths.map((_, layer) => {
    const read = attentions.find((attention) => attention.layer === layer);
    return read ? storageBytes(read, cells, type) : 0;
  });
}

/** Queries that share each loaded key and value: enough to pay for converting it, few enough for the caches. */
const BLOCK_QUERIES = 48;
const BLOCK_ROWS = 32;

function extentsOf(attentions: readonly AttentionAttributes[]): AttentionExtents {
  const largest = (of: (attention: AttentionAttributes) => number) => Math.max(1, ...attentions.map(of));
  const group = largest(({ heads, kvHeads }) => heads / kvHeads);
  const blockRows = Math.min(BLOCK_ROWS, Math.max(1, Math.floor(BLOCK_QUERIES / group)));
  return {
    heads: largest(({ heads }) => heads),
    fewestKvHeads: Math.min(...attentions.map(({ kvHeads }) => kvHeads)),
    headValues: largest(({ headDim }) => paddedHead(headDim)),
    blockRows,
    blockQueries: blockRows * group,
  };
}

/** Sums of four rows of two panels, stored before their tiles. */
const TILE_HEAD = 256;
/** Sums of up to sixteen rows, which take the memory of a tile. */
const PANEL_SUMS = KEPT_PANELS * 16 * 32;
/** Bytes of the largest block of a tile of integers. */
const TILE_BLOCK = 288;

/** Three rows are quantised as four. */
function roundUpThreeRows(rows: number): number {
  return Math.ceil(rows / 4) * 4;
}

function tileBytesOf({ layout, width }: { layout: WeightLayout; width: number }): number {
  if (layout.id === LAYOUT_F32) return 0;
  // Two panels in float32.
  return layout.input === 'codes' ? (width / 32) * TILE_BLOCK : 64 * (width + 1);
}

export function sameAngles(a: RopeAttributes, b: RopeAttributes): boolean {
  return (
    a === b ||
    (a.magnitude === b.magnitude &&
      a.frequencies.length === b.frequencies.length &&
      a.frequencies.every((frequency, i) => frequency === b.frequencies[i]))
  );
}
