/** Uploads weights to the GPU, directly as they are read. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { Program } from '../../program/program.ts';
import type { WeightDeclaration, WeightReader } from '../../program/weights.ts';
import { USAGE } from './device.ts';
import { LAYOUT_F32, type GpuPacking, packingOf, rowBytesOf, type GpuWeightLayout } from './weight-layouts.ts';

/** Rows of a matrix in one buffer, which is no larger than a binding may be. */
export interface WeightPart {
  readonly buffer: GpuBuffer;
  readonly firstRow: number;
  readonly rows: number;
}

export interface GpuWeight {
  readonly layout: GpuWeightLayout;
  readonly parts: readonly WeightPart[];
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

/** Bytes of all weights on the GPU. */
export function weightBytesOf(program: Program, reader: Pick<WeightReader, 'typeOf'>): number {
  return program.weights.reduce((sum, weight) => {
    const { rows, width } = extentOf(weight);
    return sum + rows * rowBytesOf(packingFor(weight, reader).layout, width);
  }, 0);
}

/** @throws EngineError OUT_OF_MEMORY when one row exceeds a binding, and the errors of reading */
export async function uploadWeights(
  device: GpuDevice,
  program: Program,
  reader: WeightReader,
  options: UploadOptions,
): Promise<ReadonlyMap<string, GpuWeight>> {
  const weights = new Map<string, GpuWeight>();
  for (const weight of program.weights) {
    const { rows, width } = extentOf(weight);
    const { layout, pack } = packingFor(weight, reader);
    const bytesPerRow = rowBytesOf(layout, width);
    const parts = allocate(device, weight.name, rows, bytesPerRow);
    await reader.readRows(weight, {
      ...options,
      onRows: (bytes, firstRow, count) => {
        const packed = pack(bytes, count, width);
        for (const part of parts) {
          const from = Math.max(firstRow, part.firstRow);
          const to = Math.min(firstRow + count, part.firstRow + part.rows);
          if (from >= to) continue;
          const slice = packed.subarray((from - firstRow) * bytesPerRow, (to - firstRow) * bytesPerRow);
          device.queue.writeBuffer(part.buffer, (from - part.firstRow) * bytesPerRow, slice);
        }
      },
    });
    weights.set(weight.name, { layout, parts });
  }
  return weights;
}

function allocate(device: GpuDevice, label: string, rows: number, bytesPerRow: number): WeightPart[] {
  const largest = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const rowsPerPart = Math.floor(largest / bytesPerRow);
  if (rowsPerPart === 0) {
    throw new EngineError(
      'OUT_OF_MEMORY',
      `A row of ${label} has ${bytesPerRow} bytes; the GPU binds at most ${largest}.`,
      {
        bytes: bytesPerRow,
        limit: largest,
      },
    );
  }
  const parts: WeightPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += rowsPerPart) {
    const count = Math.min(rowsPerPart, rows - firstRow);
    const usage = USAGE.STORAGE | USAGE.COPY_DST;
    parts.push({ buffer: device.createBuffer({ label, size: count * bytesPerRow, usage }), firstRow, rows: count });
  }
  return parts;
}

/** Layouts of the matrices of each file type, largest total first. */
export function weightsOnGpu(
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
): { type: string; memoryType: string; matrices: number; bytes: number }[] {
  const found = new Map<string, { type: string; memoryType: string; matrices: number; bytes: number }>();
  for (const weight of program.weights.filter(({ shape }) => shape.length > 1)) {
    const { rows, width } = extentOf(weight);
    const type = reader.typeOf(weight).name;
    const { layout } = packingFor(weight, reader);
    const key = `${type} ${layout.name}`;
    const entry = found.get(key) ?? { type, memoryType: layout.name, matrices: 0, bytes: 0 };
    entry.matrices += 1;
    entry.bytes += rows * rowBytesOf(layout, width);
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}
