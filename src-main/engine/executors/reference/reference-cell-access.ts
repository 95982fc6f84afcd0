import type { CellAccess } from '../executor.ts';

/** Reads and writes K and V of the executor's own cells: `[layers, K then V, cells, kvWidth]` in float32. */
export class ReferenceCellAccess implements CellAccess {
  readonly bytesPerCell: number;

  /** @param tensors K and V of each layer, `[cells, width]` @param cells that each has */
  constructor(
    private readonly tensors: readonly Float32Array[],
    private readonly cells: number,
  ) {
    this.bytesPerCell = tensors.reduce((sum, { byteLength }) => sum + byteLength / cells, 0);
  }

  read(cells: Int32Array): Uint8Array<ArrayBuffer> {
    const values = new Float32Array((cells.length * this.bytesPerCell) / 4);
    this.eachRow(cells, (at, row) => values.set(row, at));
    return new Uint8Array(values.buffer);
  }

  write(cells: Int32Array, bytes: Uint8Array): void {
    const values = new Float32Array(bytes.slice().buffer);
    this.eachRow(cells, (at, row) => row.set(values.subarray(at, at + row.length)));
  }

  private eachRow(cells: Int32Array, visit: (at: number, row: Float32Array) => void): void {
    let at = 0;
    for (const tensor of this.tensors) {
      const width = tensor.length / this.cells;
      for (const cell of cells) {
        visit(at, tensor.subarray(cell * width, (cell + 1) * width));
        at += width;
      }
    }
  }
}
