import { attendedLength } from '../../kv-cache/sequence-context.ts';
import type { Batch } from '../executor.ts';
import type { Buffers } from './buffers.ts';
import { align, type KernelMemory } from './kernel-memory.ts';
import * as L from './plan-layout.ts';

/** Bytes that a run over one sequence of `tokens` tokens needs: the list of its cells, and each thread's scores and tile. */
export function runBytes({ largestGroup, tileBytes }: Buffers, tokens: number, threads: number): number {
  return align(4 * tokens) + threads * (scratchBytes(tokens, largestGroup) + tileBytes);
}

/** Scores are written in whole vectors, and four past the end. */
function scratchBytes(tokens: number, heads: number): number {
  return align(4 * (tokens + 8) * heads);
}

/** Writes what the kernels need to know about a batch into their memory. */
export class RunInputs {
  constructor(
    private readonly memory: KernelMemory,
    private readonly buffers: Buffers,
    private readonly threads: number,
  ) {}

  /**
   * Rows `from` to `to` of the batch.
   * @param extra bytes that the caller wants for this slice
   * @returns address of these bytes
   */
  write(batch: Batch, from: number, to: number, extra: number): number {
    const rows = to - from;
    const longest = Math.max(...batch.contexts.map(({ cells }) => cells.length));
    const scratch = scratchBytes(longest, this.buffers.largestGroup);
    const contextBytes = batch.contexts.reduce((sum, { cells }) => sum + align(4 * cells.length), 0);
    const { tileBytes } = this.buffers;
    const perThread = this.threads * (scratch + tileBytes);
    const base = this.memory.reserve(contextBytes + perThread + extra, `a context of ${longest} tokens`);
    const contexts = this.writeContexts(batch, base);
    this.writeRows(batch, from, to, contexts);
    this.writeAngles(batch, from, to);
    const { rowArrays: arrays, run } = this.buffers;
    const header: readonly [number, number][] = [
      [L.RUN_ROWS, rows],
      [L.RUN_LOGIT_ROWS, 0],
      [L.RUN_TOKENS, arrays.tokens],
      [L.RUN_POSITIONS, arrays.positions],
      [L.RUN_ROW_CELLS, arrays.cells],
      [L.RUN_CONTEXTS, arrays.contexts],
      [L.RUN_ENDS, arrays.ends],
      [L.RUN_STARTS, arrays.starts],
      [L.RUN_LOGIT_INDICES, arrays.logitIndices],
      [L.RUN_SCRATCH, base + contextBytes],
      [L.RUN_SCRATCH_STRIDE, scratch],
      [L.RUN_TILES, base + contextBytes + this.threads * scratch],
      [L.RUN_TILE_STRIDE, tileBytes],
      [L.RUN_MAX_CONTEXT, longest],
      [L.RUN_CANCELLED, 0],
      // Two or three parts per thread share out evenly enough.
      [L.RUN_SPLIT_HEADS, this.threads > 1 && rows * this.buffers.fewestKvHeads < 3 * this.threads ? 1 : 0],
    ];
    const { i32 } = this.memory;
    for (const [field, value] of header) i32[(run + field) / 4] = value;
    return base + contextBytes + perThread;
  }

  /** @param rows of the slice that was written last, whose logits come next */
  askLogits(rows: readonly number[]): void {
    const { i32 } = this.memory;
    const { run, rowArrays } = this.buffers;
    i32.set(rows, rowArrays.logitIndices / 4);
    i32[(run + L.RUN_LOGIT_ROWS) / 4] = rows.length;
  }

  /** The cells of each sequence; gives their addresses. */
  private writeContexts(batch: Batch, at: number): number[] {
    const { i32 } = this.memory;
    return batch.contexts.map(({ cells }) => {
      const address = at;
      i32.set(cells, at / 4);
      at += align(4 * cells.length);
      return address;
    });
  }

  private writeRows(batch: Batch, from: number, to: number, contexts: readonly number[]): void {
    const { i32 } = this.memory;
    const { rowArrays: arrays, windows } = this.buffers;
    const rows = to - from;
    i32.set(batch.tokens.subarray(from, to), arrays.tokens / 4);
    i32.set(batch.positions.subarray(from, to), arrays.positions / 4);
    i32.set(batch.cells.subarray(from, to), arrays.cells / 4);
    for (let row = 0; row < rows; row++) {
      const sequence = batch.sequences[from + row];
      const position = batch.positions[from + row];
      const { positions } = batch.contexts[sequence];
      i32[arrays.contexts / 4 + row] = contexts[sequence];
      i32[arrays.ends / 4 + row] = attendedLength(positions, position);
      windows.forEach((window, index) => {
        const start = window === null ? 0 : attendedLength(positions, position - window);
        i32[arrays.starts / 4 + index * rows + row] = start;
      });
    }
  }

  /** Angles in double precision: in float32 they would be off by whole degrees at far positions. */
  private writeAngles(batch: Batch, from: number, to: number): void {
    const { f32 } = this.memory;
    for (const { attributes, at } of this.buffers.ropeTables) {
      const { frequencies, magnitude } = attributes;
      const pairs = frequencies.length;
      let index = at / 4;
      for (let row = from; row < to; row++) {
        for (let i = 0; i < pairs; i++, index++) {
          const angle = batch.positions[row] * frequencies[i];
          f32[index] = Math.cos(angle) * magnitude;
          f32[index + pairs] = Math.sin(angle) * magnitude;
        }
        index += pairs;
      }
    }
  }
}
