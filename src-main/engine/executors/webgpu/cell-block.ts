/** KV cells beside the executor's own, with a plan that reads and writes them. */
import type { GpuBuffer, GpuDevice } from '../../api/gpu.ts';
import type { CellBlock } from '../executor.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { cellBytes } from './kv-storage.ts';
import type { PlanBuffers } from './plan.ts';
import { allocateKv, BufferSet, contextBytes, type KvBuffers } from './storage.ts';

export class GpuCellBlock implements CellBlock {
  readonly cells: number;
  readonly bytes: number;
  private readonly cache: BufferSet;
  private readonly inputs: BufferSet;
  private readonly storage: KvBuffers;
  private compiled: Promise<CompiledPlan> | null = null;

  constructor(
    private readonly device: GpuDevice,
    private readonly own: PlanBuffers,
    private readonly compile: (buffers: PlanBuffers) => Promise<CompiledPlan>,
    size: { readonly cells: number; readonly own: number },
    private readonly onRelease: () => void,
  ) {
    this.cells = size.cells;
    this.cache = new BufferSet(device);
    this.inputs = new BufferSet(device);
    this.storage = allocateKv(this.cache, own.kv, size.cells);
    this.bytes = this.cache.bytes;
  }

  /** The model's plan with the block's cells. */
  plan(): Promise<CompiledPlan> {
    this.compiled ??= this.compile({
      ...this.own,
      ...this.storage,
      run: this.inputs.storage('run', this.own.run.size),
      contexts: this.inputs.storage('contexts', Math.max(this.own.contexts.size, contextBytes(this.cells))),
    });
    return this.compiled;
  }

  copy(cells: Int32Array): void {
    const encoder = this.device.createCommandEncoder();
    this.own.kv.forEach((layout, layer) => {
      if (!layout) return;
      const bytes = cellBytes(layout);
      const copyOf = (from: GpuBuffer | null, to: GpuBuffer | null) => {
        if (!from || !to) return;
        for (let first = 0, end = 1; first < cells.length; first = end++) {
          while (end < cells.length && cells[end] === cells[end - 1] + 1) end++;
          encoder.copyBufferToBuffer(from, cells[first] * bytes, to, first * bytes, (end - first) * bytes);
        }
      };
      copyOf(this.own.keys[layer], this.storage.keys[layer]);
      copyOf(this.own.values[layer], this.storage.values[layer]);
    });
    this.device.queue.submit([encoder.finish()]);
  }

  release(): void {
    this.cache.destroy();
    this.inputs.destroy();
    this.onRelease();
  }
}
