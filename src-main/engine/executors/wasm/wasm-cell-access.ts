import type { AttentionAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { CellAccess } from '../executor.ts';
import { KV_STORAGE, paddedHead } from './kv-storage.ts';
import type { KernelPart } from './parts.ts';
import type { Placement } from './placement.ts';

/** Reads and writes K and V of the executor's own cells in kernel memory. The bytes do not depend on where layers are. */
export class WasmCellAccess implements CellAccess {
  readonly bytesPerCell: number;
  private readonly attentions: readonly AttentionAttributes[];

  constructor(
    program: Program,
    private readonly parts: readonly KernelPart[],
    private readonly placement: Placement,
  ) {
    this.attentions = program.ops.flatMap((op) => (op.op === 'attention' ? [op.attributes] : []));
    this.bytesPerCell = this.attentions.reduce((sum, each) => sum + 2 * each.kvHeads * this.headBytes(each), 0);
  }

  read(cells: Int32Array): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(cells.length * this.bytesPerCell);
    this.eachRun(cells, (at, stored) => bytes.set(stored, at));
    return bytes;
  }

  write(cells: Int32Array, bytes: Uint8Array): void {
    this.eachRun(cells, (at, stored) => stored.set(bytes.subarray(at, at + stored.length)));
  }

  /**
   * Visits `[layers, K then V, kvHeads, cells, head]` in runs of contiguous cells.
   * @param visit offset in these bytes, and the bytes in kernel memory
   */
  private eachRun(cells: Int32Array, visit: (at: number, stored: Uint8Array) => void): void {
    let at = 0;
    for (const attention of this.attentions) {
      const { memory, buffers } = this.parts[this.placement.layers[attention.layer]];
      const { u8 } = memory;
      const { plan, size } = buffers;
      const bytes = this.headBytes(attention);
      for (const storage of [plan.keys[attention.layer], plan.values[attention.layer]]) {
        for (let head = 0; head < attention.kvHeads; head++) {
          const first = storage + head * size.cells * bytes;
          for (let from = 0, end = 1; from < cells.length; from = end++) {
            while (end < cells.length && cells[end] === cells[end - 1] + 1) end++;
            const stored = first + cells[from] * bytes;
            const length = (end - from) * bytes;
            visit(at, u8.subarray(stored, stored + length));
            at += length;
          }
        }
      }
    }
  }

  private headBytes({ headDim }: AttentionAttributes): number {
    return KV_STORAGE[this.parts[0].buffers.size.kvCacheType].bytes(paddedHead(headDim));
  }
}
