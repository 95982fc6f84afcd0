/** Buffers of a plan: K and V, activations, and those of a run. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuDevice, GpuLimits } from '../../api/gpu.ts';
import { assignSlots } from '../../program/memory-plan.ts';
import { bytesText } from '../bytes-text.ts';
import { USAGE } from './device.ts';
import { type GroupedOps, slicedAttentions } from './grouping.ts';
import { cellBytes, type KvLayout } from './kv-storage.ts';
import { canMerge, SLICE_CELLS, slicesOf, sliceStrideOf } from './ops/attention-slices.ts';
import type { SliceBuffer } from './plan.ts';
import { MANY_ROWS, strideOf } from './shader.ts';

/** What creates buffers: a device, or something that only counts them. */
export interface BufferDevice extends Pick<GpuDevice, 'createBuffer'> {
  readonly limits: Pick<GpuLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
}

/** Bytes of the largest buffer that a kernel can read as a whole. */
export function largestBuffer({ limits }: Pick<BufferDevice, 'limits'>): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}

/** Creates buffers and counts their bytes. */
export class BufferSet {
  private readonly buffers: GpuBuffer[] = [];
  bytes = 0;
  /** Bytes of the largest one so far. */
  largest = 0;

  constructor(private readonly device: BufferDevice) {}

  /**
   * Filled with zeros, as all of WebGPU's buffers.
   * @throws EngineError OUT_OF_MEMORY when it exceeds the device's limits
   */
  storage(label: string, bytes: number): GpuBuffer {
    return this.add(label, bytes, USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC);
  }

  readback(label: string, bytes: number): GpuBuffer {
    return this.add(label, bytes, USAGE.MAP_READ | USAGE.COPY_DST);
  }

  uniform(label: string, bytes: number): GpuBuffer {
    return this.add(label, bytes, USAGE.UNIFORM | USAGE.COPY_DST);
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
    this.buffers.length = 0;
    this.bytes = 0;
  }

  private add(label: string, bytes: number, usage: number): GpuBuffer {
    const size = Math.max(16, bytes);
    const largest = largestBuffer(this.device);
    if (size > largest) {
      throw new EngineError(
        'OUT_OF_MEMORY',
        `A buffer for ${label} needs ${byTooMuch(size, largest)} A smaller context needs less. The CPU has no such limit.`,
        { bytes: size, limit: largest },
      );
    }
    const buffer = this.device.createBuffer({ label, size, usage });
    this.buffers.push(buffer);
    this.bytes += size;
    this.largest = Math.max(this.largest, size);
    return buffer;
  }
}

/** The size of a buffer that is too large, for people. */
export function byTooMuch(bytes: number, limit: number): string {
  return `${bytesText(bytes)}, ${bytesText(bytes - limit)} more than this GPU allows.`;
}

export interface KvBuffers {
  readonly keys: (GpuBuffer | null)[];
  readonly values: (GpuBuffer | null)[];
}

export function allocateKv(set: BufferSet, kv: readonly (KvLayout | null)[], cells: number): KvBuffers {
  const buffers = (label: string) => kv.map((layout) => layout && set.storage(label, cells * cellBytes(layout)));
  return { keys: buffers('keys'), values: buffers('values') };
}

/** By tensor; tensors that live at different times share a buffer. */
export function allocateActivations(set: BufferSet, { ops, tensors }: GroupedOps, rows: number): GpuBuffer[] {
  const { slots, slotWidths } = assignSlots({ ops, tensors });
  const buffers = slotWidths.map((width) => set.storage('activations', 4 * rows * strideOf(width)));
  return slots.map((slot) => buffers[slot]);
}

/** Sequences that usually run together, each with a whole context of its own. */
const SEQUENCES = 8;

/** Bytes of the lists of cells that a run's contexts have. */
export function contextBytes(cells: number): number {
  return 4 * SEQUENCES * cells;
}

/** For the slices of attentions; none if no context is long enough. */
export function allocateSlices(
  set: BufferSet,
  grouped: GroupedOps,
  cells: number,
  sliceCells: number = SLICE_CELLS,
): SliceBuffer {
  const attentions = [...slicedAttentions(grouped).values()].filter((each) => canMerge(each, cells, sliceCells));
  const slicesPerRow = slicesOf(cells, sliceCells);
  const stride = Math.max(0, ...attentions.map(sliceStrideOf));
  const bytes = 4 * (MANY_ROWS - 1) * slicesPerRow * stride;
  return { buffer: bytes > 0 ? set.storage('slices of attention', bytes) : null, sliceCells, slicesPerRow, cells };
}
