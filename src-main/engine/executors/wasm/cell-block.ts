/** KV cells beside the executor's own, with a plan that reads and writes them. */
import { EngineError } from '../../api/errors.ts';
import type { AttentionAttributes } from '../../program/ops.ts';
import { layersOf } from '../../program/partial-program.ts';
import type { Program } from '../../program/program.ts';
import type { CellBlock } from '../executor.ts';
import { allocateKv, type BufferSizes } from './buffers.ts';
import { type KernelMemory, MemoryCount } from './kernel-memory.ts';
import { KV_STORAGE, paddedHead } from './kv-storage.ts';
import { type KernelPart, type StoredStage, storeStages } from './parts.ts';
import { layersIn, type Placement } from './placement.ts';
import { OP_BYTES } from './plan-layout.ts';
import { NO_TAPS, type PlanMemory } from './plan.ts';
import { lowerStages, type MemoryStage } from './stages.ts';

/** Addresses of K and V by memory, and the plan up to the logits that uses them. */
export interface CellStorage {
  readonly cells: number;
  readonly plans: readonly PlanMemory[];
  readonly main: readonly StoredStage[];
}

/** Allocated last, so that its memory can be released. */
export class WasmCellBlock implements CellBlock, CellStorage {
  readonly bytes: number;
  readonly plans: readonly PlanMemory[];
  readonly main: readonly StoredStage[];
  /** By memory. */
  private readonly at: readonly number[];

  /** @throws EngineError OUT_OF_MEMORY */
  constructor(
    private readonly program: Program,
    stages: readonly MemoryStage[],
    private readonly parts: readonly KernelPart[],
    private readonly placement: Placement,
    readonly cells: number,
    private readonly layers: ReadonlySet<number> | null,
    private readonly onRelease: () => void,
  ) {
    const inPart = (part: number) =>
      new Set([...layersIn(placement, part)].filter((layer) => layers === null || layers.has(layer)));
    this.at = parts.map(({ memory }) => memory.allocated);
    const operations = stages.reduce((sum, { ops }) => sum + ops.length, 0);
    let bytes = 0;
    parts.forEach(({ memory, buffers }, part) => {
      const count = new MemoryCount();
      const before = count.allocated;
      allocateKv(program, count, cells, buffers.size.kvCacheType, inPart(part));
      const ofPart = count.allocated - before;
      bytes += ofPart;
      // All or nothing: the allocations below cannot fail.
      memory.ensure(this.at[part] + ofPart + operations * 4 * OP_BYTES, `K and V of ${cells} more tokens`);
    });
    this.bytes = bytes;
    this.plans = parts.map(({ memory, buffers }, part) => {
      const kv = allocateKv(program, memory, cells, buffers.size.kvCacheType, inPart(part));
      return { ...buffers.plan, ...kv, cells };
    });
    // A part of the layers is not the model's own program.
    this.main = layers === null ? storeStages(lowerStages(program, stages, this.plans, NO_TAPS).main, parts) : [];
  }

  /** @throws EngineError INTERNAL if the program reads or writes K and V of layers that the block does not have */
  check(program: Program): void {
    const { layers } = this;
    if (layers === null) return;
    const layer = [...layersOf(program)].find((other) => !layers.has(other));
    if (layer !== undefined) throw new EngineError('INTERNAL', `The block has no cells for layer ${layer}.`);
  }

  copy(cells: Int32Array): void {
    for (const op of this.program.ops) {
      if (op.op !== 'attention' || this.layers?.has(op.attributes.layer) === false) continue;
      const { layer } = op.attributes;
      const part = this.placement.layers[layer];
      const { buffers, memory } = this.parts[part];
      const [from, to] = [buffers.plan, this.plans[part]];
      this.copyLayer(memory, buffers.size, op.attributes, from.keys[layer], to.keys[layer], cells);
      this.copyLayer(memory, buffers.size, op.attributes, from.values[layer], to.values[layer], cells);
    }
  }

  release(): void {
    this.parts.forEach(({ memory }, part) => memory.release(this.at[part]));
    this.onRelease();
  }

  /** `[kvHeads, cells, head]` at both addresses. */
  private copyLayer(
    { u8 }: KernelMemory,
    { kvCacheType, cells: own }: BufferSizes,
    { kvHeads, headDim }: AttentionAttributes,
    from: number,
    to: number,
    cells: Int32Array,
  ): void {
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
