/** Uploads weights to the GPU, directly as they are read. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { Program } from '../../program/program.ts';
import type { WeightDeclaration, WeightReader, WeightView } from '../../program/weights.ts';
import { USAGE } from './device.ts';
import type { DeviceWatch } from './device-watch.ts';
import { type BufferDevice, byTooMuch, largestBuffer } from './storage.ts';
import { LAYOUT_F32, type GpuPacking, packingOf, rowBytesOf, type GpuWeightLayout } from './weight-layouts.ts';

/** Most bytes that wait to be copied by the GPU: until then, they are in memory twice. */
const WAITING_BYTES = 64 * 2 ** 20;

/** Rows of a matrix in one buffer, which is no larger than a binding may be. */
export interface WeightPart {
  readonly buffer: GpuBuffer;
  /** Of the first of these rows in the buffer. */
  readonly byteOffset: number;
  readonly firstRow: number;
  readonly rows: number;
}

export interface GpuWeight {
  readonly layout: GpuWeightLayout;
  readonly bytesPerRow: number;
  readonly parts: readonly WeightPart[];
}

/** Place of a view's first row in its buffer, in rows, or in values for a vector. */
export function placeOf({ bytesPerRow, parts: [part] }: GpuWeight, view: WeightView): number {
  if (view.shape.length === 1) return part.byteOffset / 4 + view.firstRow;
  return part.byteOffset / bytesPerRow + view.firstRow - part.firstRow;
}

/** Whether the rows of these views, or the values of these vectors, follow each other in one buffer. */
export function areJoined(weights: ReadonlyMap<string, GpuWeight>, views: readonly WeightView[]): boolean {
  const found = views.map((view) => ({ view, weight: weights.get(view.name)! }));
  const [{ weight: first }] = found;
  return found.every(
    ({ view, weight }, i) =>
      weight.parts.length === 1 &&
      weight.parts[0].buffer === first.parts[0].buffer &&
      weight.layout === first.layout &&
      // Vectors may have any length.
      (view.shape.length === 1 || weight.bytesPerRow === first.bytesPerRow) &&
      (i === 0 || placeOf(weight, view) === placeOf(found[i - 1].weight, found[i - 1].view) + views[i - 1].shape[0]),
  );
}

export interface UploadOptions {
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly cancel?: CancelToken | undefined;
}

/** Rows of a weight; a vector is one row. */
function extentOf({ shape }: WeightDeclaration): { rows: number; width: number } {
  return shape.length > 1 ? { rows: shape[0], width: shape[1] } : { rows: 1, width: shape[0] };
}

/** Vectors are stored as float32, because kernels read them value by value. */
function packingFor(weight: WeightDeclaration, reader: Pick<WeightReader, 'typeOf'>): GpuPacking {
  const type = reader.typeOf(weight);
  if (weight.shape.length > 1) return packingOf(type, weight.shape[1]);
  return {
    layout: LAYOUT_F32,
    pack: (bytes, rows, width) => {
      const values = new Float32Array(Math.ceil((rows * width) / 4) * 4);
      type.dequantize(bytes, 0, values, 0, bytes.length / type.blockBytes);
      return new Uint8Array(values.buffer);
    },
  };
}

/** Bytes of these weights on the GPU. */
export function weightBytesOf(weights: Iterable<GpuWeight>): number {
  let bytes = 0;
  for (const { bytesPerRow, parts } of weights) for (const { rows } of parts) bytes += rows * bytesPerRow;
  return bytes;
}

/**
 * Whether the rows of these views can follow each other in one buffer: neighbours in one tensor, or whole tensors with
 * the same layout and width.
 */
export function mayJoin(
  device: BufferDevice,
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  views: readonly WeightView[],
): boolean {
  const [first] = views;
  if (views.every(({ name }) => name === first.name)) {
    return views.every(({ firstRow }, i) => i === 0 || firstRow === views[i - 1].firstRow + views[i - 1].shape[0]);
  }
  const tensors = views.map(({ name }) => program.weights.find((weight) => weight.name === name)!);
  const layouts = tensors.map((weight) => packingFor(weight, reader).layout);
  const bytes = tensors.map((weight, i) => extentOf(weight).rows * rowBytesOf(layouts[i], extentOf(weight).width));
  return (
    views.every(({ shape }, i) => shape[0] === tensors[i].shape[0]) &&
    layouts.every((layout) => layout === layouts[0]) &&
    // A vector is stored as whole groups of four.
    views.every(({ shape }) => (shape.length === 1 ? shape[0] % 4 === 0 : shape[1] === first.shape[1])) &&
    bytes.reduce((sum, each) => sum + each, 0) <= largestBuffer(device)
  );
}

/**
 * Creates the buffers of a program's weights, by their names.
 * @param joined names of weights that follow each other in one buffer, each in at most one list
 * @throws EngineError OUT_OF_MEMORY when one row exceeds a binding
 */
export function allocateWeights(
  device: BufferDevice,
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  joined: readonly (readonly string[])[],
): ReadonlyMap<string, GpuWeight> {
  const declared = new Map(program.weights.map((weight) => [weight.name, weight]));
  const bytesOf = (weight: WeightDeclaration) => {
    const { rows, width } = extentOf(weight);
    return rows * rowBytesOf(packingFor(weight, reader).layout, width);
  };
  const places = new Map<string, { buffer: GpuBuffer; byteOffset: number }>();
  for (const names of joined) {
    const found = names.map((name) => declared.get(name)!);
    const size = found.reduce((sum, weight) => sum + bytesOf(weight), 0);
    const buffer = device.createBuffer({ label: names.join(', '), size, usage: USAGE.STORAGE | USAGE.COPY_DST });
    let byteOffset = 0;
    for (const weight of found) {
      places.set(weight.name, { buffer, byteOffset });
      byteOffset += bytesOf(weight);
    }
  }
  const weights = new Map<string, GpuWeight>();
  for (const weight of program.weights) {
    const { rows, width } = extentOf(weight);
    const { layout } = packingFor(weight, reader);
    const bytesPerRow = rowBytesOf(layout, width);
    const place = places.get(weight.name);
    const parts = place ? [{ ...place, firstRow: 0, rows }] : allocate(device, weight.name, rows, bytesPerRow);
    weights.set(weight.name, { layout, bytesPerRow, parts });
  }
  return weights;
}

/** Reads weights into their buffers. @throws EngineError the errors of reading, BACKEND_LOST, CANCELLED */
export async function uploadWeights(
  watch: DeviceWatch,
  program: Program,
  reader: WeightReader,
  weights: ReadonlyMap<string, GpuWeight>,
  options: UploadOptions,
): Promise<void> {
  const { queue } = watch.device;
  let waiting = 0;
  for (const weight of program.weights) {
    const { width } = extentOf(weight);
    const { pack } = packingFor(weight, reader);
    const { bytesPerRow, parts } = weights.get(weight.name)!;
    await reader.readRows(weight, {
      ...options,
      onRows: async (bytes, firstRow, count) => {
        const packed = pack(bytes, count, width);
        for (const part of parts) {
          const from = Math.max(firstRow, part.firstRow);
          const to = Math.min(firstRow + count, part.firstRow + part.rows);
          if (from >= to) continue;
          const slice = packed.subarray((from - firstRow) * bytesPerRow, (to - firstRow) * bytesPerRow);
          queue.writeBuffer(part.buffer, part.byteOffset + (from - part.firstRow) * bytesPerRow, slice);
        }
        waiting += packed.length;
        if (waiting < WAITING_BYTES) return;
        waiting = 0;
        await watch.during(() => queue.onSubmittedWorkDone(), options.cancel);
      },
    });
  }
}

function allocate(device: BufferDevice, label: string, rows: number, bytesPerRow: number): WeightPart[] {
  const largest = largestBuffer(device);
  const rowsPerPart = Math.floor(largest / bytesPerRow);
  if (rowsPerPart === 0) {
    throw new EngineError(
      'OUT_OF_MEMORY',
      `A row of ${label} needs a buffer of ${byTooMuch(bytesPerRow, largest)} The CPU has no such limit.`,
      { bytes: bytesPerRow, limit: largest },
    );
  }
  const usage = USAGE.STORAGE | USAGE.COPY_DST;
  const parts: WeightPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += rowsPerPart) {
    const count = Math.min(rowsPerPart, rows - firstRow);
    const buffer = device.createBuffer({ label, size: count * bytesPerRow, usage });
    parts.push({ buffer, byteOffset: 0, firstRow, rows: count });
  }
  return parts;
}
