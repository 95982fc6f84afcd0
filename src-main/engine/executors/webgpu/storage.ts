/** Buffers of a plan: K and V, activations, and those of a run. */
import type { GpuBuffer, GpuDevice } from '../../api/gpu.ts';
import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { FusedOp } from '../fusion.ts';
import { USAGE } from './device.ts';
import { cellBytes, type KvLayout } from './kv-storage.ts';
import { strideOf } from './shader.ts';

/** Creates storage buffers and counts their bytes. */
export class BufferSet {
  private readonly buffers: GpuBuffer[] = [];
  bytes = 0;

  constructor(private readonly device: GpuDevice) {}

  /** Filled with zeros, as all of WebGPU's buffers. */
  storage(label: string, bytes: number): GpuBuffer {
    return this.add(label, bytes, USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC);
  }

  readback(label: string, bytes: number): GpuBuffer {
    return this.add(label, bytes, USAGE.MAP_READ | USAGE.COPY_DST);
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
    this.buffers.length = 0;
    this.bytes = 0;
  }

  private add(label: string, bytes: number, usage: number): GpuBuffer {
    const size = Math.max(16, bytes);
    const buffer = this.device.createBuffer({ label, size, usage });
    this.buffers.push(buffer);
    this.bytes += size;
    return buffer;
  }
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
export function allocateActivations(
  set: BufferSet,
  program: Program,
  ops: readonly FusedOp[],
  rows: number,
): GpuBuffer[] {
  const { slots, slotWidths } = planMemory({ ...program, ops }, { cells: 0, rows: 0 });
  const buffers = slotWidths.map((width) => set.storage('activations', 4 * rows * strideOf(width)));
  return slots.map((slot) => buffers[slot]);
}

/** K and V of contexts: cells of as many sequences as usually run together, each with the whole context. */
const SEQUENCES = 8;

export function contextBytes(cells: number): number {
  return 4 * SEQUENCES * cells;
}
