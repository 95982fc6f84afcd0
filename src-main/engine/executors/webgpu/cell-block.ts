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
  private forPlans: PlanBuffers | null = null;
  private compiled: Promise<CompiledPlan> | null = null;

  constructor(
    private readonly device: GpuDevice,
    private readonly own: PlanBuffers,
    private readonly compile: (buffers: PlanBuffers) => Promise<CompiledPlan>,
    { cells, layers }: { readonly cells: number; readonly layers: ReadonlySet<number> | undefined },
    private readonly onRelease: () => void,
  ) {
    this.cells = cells;
    this.cache = new BufferSet(device);
    this.inputs = new BufferSet(device);
    const kv = own.kv.map((layout, layer) => (layers?.has(layer) === false ? null : layout));
    this.storage = allocateKv(this.cache, kv, cells);
    this.bytes = this.cache.bytes;
  }

  /** The model's buffers with the block's cells. */
  get buffers(): PlanBuffers {
    this.forPlans ??= {
      ...this.own,
      ...this.storage,
      run: this.inputs.storage('run', this.own.run.size),
      contexts: this.inputs.storage('contexts', Math.max(this.own.contexts.size, contextBytes(this.cells))),
    };
    return this.forPlans;
  }

  /** The model's plan with the block's cells. @throws EngineError INTERNAL if the block lacks layers */
  plan(): Promise<CompiledPlan> {
    this.compiled ??= this.compile(this.buffers);
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
