/** Packs weights into kernel memories, directly as they are read. */
import type { CancelToken } from '../../api/platform.ts';
import type { Program } from '../../program/program.ts';
import type { WeightDeclaration, WeightReader, WeightStore, WeightView } from '../../program/weights.ts';
import { rowBytes } from '../../quant/block-type.ts';
import type { WeightsInMemory } from '../../api/types.ts';
import { F32 } from '../../quant/f32.ts';
import { align, type Allocator, type KernelMemory } from './kernel-memory.ts';
import type { KernelInstance } from './kernels.ts';
import type { Placement } from './placement.ts';
import * as L from './plan-layout.ts';
import type { ThreadPool } from './thread-pool.ts';
import { WeightPacker } from './weight-packer.ts';
import { type DotTraits, type Packing, packingOf, type WeightLayout } from './weight-layouts.ts';

/** Address and layout of a weight. */
export interface PackedWeight {
  readonly at: number;
  /** Null for vectors, which are plain float32. */
  readonly layout: WeightLayout | null;
  /** Values per row. */
  readonly width: number;
  /** Its float16 numbers are stored times 2 to this power. */
  raised: number;
}

export type PackedWeights = ReadonlyMap<string, PackedWeight>;

export interface PackWeightsOptions {
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly cancel?: CancelToken | undefined;
}

/** Key of a view, which may cover some rows only. */
export function viewKey({ name, firstRow, shape }: WeightView): string {
  return `${name}[${firstRow}+${shape[0]}]`;
}

/** A weight, its packing and its address. A tensor whose rows are used separately becomes several matrices. */
interface LocatedWeight {
  readonly weight: WeightDeclaration;
  readonly packing: Packing;
  /** Number of the memory. */
  readonly part: number;
  readonly targets: readonly PackTarget[];
}

/** Views that the program's operations have of each of its weights. */
function viewsOf(program: Program): ReadonlyMap<string, readonly WeightView[]> {
  const views = new Map<string, Map<string, WeightView>>();
  for (const { weights } of program.ops) {
    for (const view of weights) {
      const ofTensor = views.get(view.name) ?? new Map<string, WeightView>();
      views.set(view.name, ofTensor.set(viewKey(view), view));
    }
  }
  return new Map(program.weights.map(({ name }) => [name, [...(views.get(name)?.values() ?? [])]]));
}

/** Bytes of each weight in memory, by name. */
export function packedSizes(
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  dot: DotTraits,
): ReadonlyMap<string, number> {
  const views = viewsOf(program);
  return new Map(
    program.weights.map((weight) => {
      const { layout } = packingOf(reader.typeOf(weight), weight.shape.at(-1) ?? 1, dot);
      const bytes = views
        .get(weight.name)!
        .map((view) => align(packedBytes(view, view.shape.length > 1 ? layout : null)));
      return [weight.name, bytes.reduce((sum, each) => sum + each, 0)];
    }),
  );
}

/**
 * Allocates memory for every weight of the program.
 * @returns addresses by memory
 */
export function placeWeights(
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  memories: readonly Allocator[],
  placement: Placement,
  dot: DotTraits,
): { readonly packed: readonly PackedWeights[]; readonly located: readonly LocatedWeight[] } {
  const views = viewsOf(program);
  const packed = memories.map(() => new Map<string, PackedWeight>());
  const located = program.weights.map((weight) => {
    const packing = packingOf(reader.typeOf(weight), weight.shape.at(-1) ?? 1, dot);
    const part = placement.weights.get(weight.name) ?? 0;
    const targets = views.get(weight.name)!.map((view) => {
      const layout = view.shape.length > 1 ? packing.layout : null;
      const at = memories[part].allocate(packedBytes(view, layout), `the weights (${weight.name})`);
      const raised = layout?.hasFloat16 ? L.RAISED_BY : 0;
      const place = { at, layout, width: view.shape.at(-1) ?? 1, raised };
      packed[part].set(viewKey(view), place);
      return { view, place };
    });
    return { weight, packing, part, targets };
  });
  return { packed, located };
}

/** Layouts of the matrices of each file type, largest total first. */
export function weightsInMemory(
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  dot: DotTraits,
): WeightsInMemory[] {
  const kept = new Map<string, WeightsInMemory>();
  for (const weight of program.weights.filter(({ shape }) => shape.length > 1)) {
    const [rows, width] = weight.shape;
    const type = reader.typeOf(weight).name;
    const { layout } = packingOf(reader.typeOf(weight), width, dot);
    const key = `${type} ${layout.name}`;
    const { matrices, bytes } = kept.get(key) ?? { matrices: 0, bytes: 0 };
    kept.set(key, {
      ...{ type, memoryType: layout.name },
      ...{ matrices: matrices + 1, bytes: bytes + rows * layout.bytes(width) },
    });
  }
  return [...kept.values()].sort((a, b) => b.bytes - a.bytes);
}

/** Tensors read at once: one is packed while another is read from disk. */
const READ_AT_ONCE = 2;

/**
 * Reads and packs every weight, on all threads.
 * @param located places for them, see `placeWeights`
 */
export async function packWeights(
  located: readonly LocatedWeight[],
  reader: WeightReader,
  instances: readonly KernelInstance[],
  pool: ThreadPool,
  options: PackWeightsOptions,
): Promise<void> {
  const packers = instances.map((instance, part) => new WeightPacker(instance, part, pool));
  let failed = false;
  const left = located.values();
  const readSome = async () => {
    for (const { weight, packing, part, targets } of left) {
      if (failed) return;
      await reader.readRows(weight, {
        ...options,
        onRows: (bytes, firstRow, rows) => {
          if (weight.shape.length < 2) copyVector(instances[part].memory, reader, weight, bytes, targets);
          else packers[part].pack(packing, weight.shape[1], { bytes, firstRow, rows }, targets);
        },
      });
    }
  };
  const readers = Array.from({ length: READ_AT_ONCE }, () => readSome());
  for (const reading of readers) reading.catch(() => (failed = true));
  // Waits for all before it fails, so that nothing is read or written in the background.
  const failure = (await Promise.allSettled(readers)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

/** A matrix in memory, and the rows of a tensor that are in it. */
export interface PackTarget {
  readonly view: WeightView;
  readonly place: PackedWeight;
}

/** Bytes in memory. Rows fill whole panels of 8, vectors whole groups of 8 values. */
function packedBytes({ shape }: WeightView, layout: WeightLayout | null): number {
  const [length] = shape;
  if (!layout) return align(4 * Math.ceil(length / 8) * 8);
  return Math.ceil(length / 8) * 8 * layout.bytes(shape[1]);
}

function copyVector(
  memory: KernelMemory,
  reader: WeightReader,
  weight: WeightDeclaration,
  bytes: Uint8Array,
  targets: readonly PackTarget[],
): void {
  const [length] = weight.shape;
  const type = reader.typeOf(weight);
  const values = new Float32Array(length);
  type.dequantize(bytes, 0, values, 0, length / type.blockSize);
  for (const { view, place } of targets) {
    memory.f32.set(values.subarray(view.firstRow, view.firstRow + view.shape[0]), place.at / 4);
  }
}

/** A reader of weights that are already in memory as float32. */
export function storeReader(store: WeightStore): WeightReader {
  return {
    typeOf: () => F32,
    async readRows({ name, shape }, { onRows, onBytes }) {
      const { data } = store.get(name);
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const [rows, width] = shape.length > 1 ? [shape[0], shape[1]] : [1, shape[0]];
      const step = Math.max(1, Math.floor(SLICE_BYTES / rowBytes(F32, width)));
      for (let row = 0; row < rows; row += step) {
        const count = Math.min(step, rows - row);
        await onRows(bytes.subarray(row * 4 * width, (row + count) * 4 * width), row, count);
        onBytes?.(count * 4 * width);
      }
    },
  };
}

const SLICE_BYTES = 4 * 2 ** 20;
