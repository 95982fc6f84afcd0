/** KV cells beside the executor's own, with a plan that reads and writes them. */
import type { AttentionAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { CellBlock } from '../executor.ts';
import { allocateKv, type Buffers } from './buffers.ts';
import type { FusedOp } from '../fusion.ts';
import { type KernelMemory, MemoryCount } from './kernel-memory.ts';
import { KV_STORAGE, paddedHead } from './kv-storage.ts';
import { OP_BYTES } from './plan-layout.ts';
import { type StoredPlan, storePlan, lower, NO_TAPS, type PlanMemory } from './plan.ts';

/** Addresses of K and V, and the plan up to the logits that uses them. */
export interface CellStorage {
  readonly cells: number;
  readonly plan: PlanMemory;
  readonly main: StoredPlan;
}

/** Allocated last, so that its memory can be released. */
export class WasmCellBlock implements CellBlock, CellStorage {
  readonly bytes: number;
  readonly plan: PlanMemory;
  readonly main: StoredPlan;
  private readonly at: number;

  /** @throws EngineError OUT_OF_MEMORY */
  constructor(
    private readonly program: Program,
    fused: readonly FusedOp[],
    private readonly memory: KernelMemory,
    private readonly buffers: Buffers,
    readonly cells: number,
    private readonly onRelease: () => void,
  ) {
    this.at = memory.allocated;
    const { kvCacheType } = buffers.size;
    const count = new MemoryCount();
    const before = count.allocated;
    allocateKv(program, count, cells, kvCacheType);
    this.bytes = count.allocated - before;
    // All or nothing: the allocations below cannot fail.
    memory.ensure(this.at + this.bytes + fused.length * 4 * OP_BYTES, `K and V of ${cells} more tokens`);
    this.plan = { ...buffers.plan, ...allocateKv(program, memory, cells, kvCacheType), cells };
    this.main = storePlan(lower(program, fused, this.plan, NO_TAPS), memory);
  }

  copy(cells: Int32Array): void {
    const { plan } = this.buffers;
    for (const op of this.program.ops) {
      if (op.op !== 'attention') continue;
      const { layer } = op.attributes;
      this.copyLayer(op.attributes, plan.keys[layer], this.plan.keys[layer], cells);
      this.copyLayer(op.attributes, plan.values[layer], this.plan.values[layer], cells);
    }
  }

  release(): void {
    this.memory.release(this.at);
    this.onRelease();
  }

  /** `[kvHeads, cells, head]` at both addresses. */
  private copyLayer({ kvHeads, headDim }: AttentionAttributes, from: number, to: number, cells: Int32Array): void {
    const { u8 } = this.memory;
    const { kvCacheType, cells: own } = this.buffers.size;
    const bytes = KV_STORAGE[kvCacheType].bytes(paddedHead(headDim));
    for (let head = 0; head < kvHeads; head++) {
      const source = from + head * own * bytes;
      let target = to + head * this.cells * bytes;
      for (let first = 0, end = 1; first < cells.length; first = end++) {
        while (end < cells.length && cells[end] === cells[end - 1] + 1) end++;
        const start = source + cells[first] * bytes;
        u8.copyWithin(target, start, start + (end - first) * bytes);
        target += (end - first) * bytes;
      }
    }
  }
}
