import type { AttentionAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { CellAccess } from '../executor.ts';
import type { Buffers } from './buffers.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { KV_STORAGE, paddedHead } from './kv-storage.ts';

/** Reads and writes K and V of the executor's own cells in kernel memory. */
export class WasmCellAccess implements CellAccess {
  readonly bytesPerCell: number;
  private readonly attentions: readonly AttentionAttributes[];

  constructor(
    program: Program,
    private readonly memory: KernelMemory,
    private readonly buffers: Buffers,
  ) {
    this.attentions = program.ops.flatMap((op) => (op.op === 'attention' ? [op.attributes] : []));
    this.bytesPerCell = this.attentions.reduce((sum, each) => sum + 2 * each.kvHeads * this.headBytes(each), 0);
  }

  read(cells: Int32Array): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(cells.length * this.bytesPerCell);
    const { u8 } = this.memory;
    this.eachRun(cells, (at, stored, length) => bytes.set(u8.subarray(stored, stored + length), at));
    return bytes;
  }

  write(cells: Int32Array, bytes: Uint8Array): void {
    const { u8 } = this.memory;
    this.eachRun(cells, (at, stored, length) => u8.set(bytes.subarray(at, at + length), stored));
  }

  /**
   * Visits `[layers, K then V, kvHeads, cells, head]` in runs of contiguous cells.
   * @param visit offset in these bytes, address in kernel memory, bytes
   */
  private eachRun(cells: Int32Array, visit: (at: number, stored: number, length: number) => void): void {
    const { plan, size } = this.buffers;
    let at = 0;
    for (const attention of this.attentions) {
      const bytes = this.headBytes(attention);
      for (const storage of [plan.keys[attention.layer], plan.values[attention.layer]]) {
        for (let head = 0; head < attention.kvHeads; head++) {
          const first = storage + head * size.cells * bytes;
          for (let from = 0, end = 1; from < cells.length; from = end++) {
            while (end < cells.length && cells[end] === cells[end - 1] + 1) end++;
            visit(at, first + cells[from] * bytes, (end - from) * bytes);
            at += (end - from) * bytes;
          }
        }
      }
    }
  }

  private headBytes({ headDim }: AttentionAttributes): number {
    return KV_STORAGE[this.buffers.size.kvCacheType].bytes(paddedHead(headDim));
  }
}
