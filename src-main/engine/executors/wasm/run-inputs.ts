import { attendedLength } from '../../kv-cache/sequence-context.ts';
import type { Batch } from '../executor.ts';
import type { AttentionExtents, Buffers } from './buffers.ts';
import { align, type KernelMemory } from './kernel-memory.ts';
import type { AttendedEntries } from './op-profile.ts';
import * as L from './plan-layout.ts';

/** Rows at most whose chunks of the context are spread over threads: more rows keep the threads busy by themselves. */
const SPLIT_ROWS = 4;
/** Parts of attention per thread that share out evenly enough. */
const PARTS = 4;

/** Bytes that a run over one sequence of `tokens` tokens needs: the list of its cells, and room for the threads. */
export function runBytes(buffers: Buffers, tokens: number, threads: number): number {
  const rows = Math.min(SPLIT_ROWS, buffers.size.rows);
  return align(4 * tokens) + threadBytes(buffers, threads) + partialBytes(buffers, rows, tokens);
}

function threadBytes({ attention, tileBytes }: Buffers, threads: number): number {
  return threads * (attentionBytes(attention) + tileBytes);
}

/** See `attend` of the kernels: queries, scores, two outputs, statistics of both; then scales and a chunk of keys or values. */
function attentionBytes({ blockQueries, headValues }: AttentionExtents): number {
  const perQuery = 3 * 4 * headValues + L.ATTENTION_SCORE_STRIDE + 2 * L.ATTENTION_STATS;
  const chunk = L.ATTENTION_CHUNK * 4 * headValues + 2 * L.ATTENTION_SCORE_STRIDE;
  return align(blockQueries * perQuery + chunk);
}

/** What attention finds in each chunk of the context. */
function partialBytes({ attention }: Buffers, rows: number, tokens: number): number {
  return align(rows * attention.heads * chunksOf(tokens) * (L.ATTENTION_STATS + 4 * attention.headValues));
}

function chunksOf(tokens: number): number {
  return Math.ceil(tokens / L.ATTENTION_CHUNK);
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
   * @param threads that compute it
   * @param whole attention to a row's whole context is done at once, as its weights are wanted
   * @returns address of these bytes
   */
  write(batch: Batch, from: number, to: number, extra: number, threads: number, whole: boolean): number {
    const rows = to - from;
    const { attention, rowArrays: arrays, run, tileBytes } = this.buffers;
    const longest = Math.max(...batch.contexts.map(({ cells }) => cells.length));
    const contextBytes = batch.contexts.reduce((sum, { cells }) => sum + align(4 * cells.length), 0);
    const perThread = threadBytes(this.buffers, this.threads);
    const partials = rows <= SPLIT_ROWS ? partialBytes(this.buffers, rows, longest) : 0;
    const base = this.memory.reserve(contextBytes + perThread + partials + extra, `a context of ${longest} tokens`);
    const contexts = this.writeContexts(batch, base);
    this.writeRows(batch, from, to, contexts);
    this.writeAngles(batch, from, to);
    const blocks = this.writeBlocks(batch, from, to);
    const isSplit = !whole && threads > 1 && rows <= SPLIT_ROWS && blocks * attention.fewestKvHeads < PARTS * threads;
    const scratch = base + contextBytes;
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
      [L.RUN_SCRATCH, scratch],
      [L.RUN_SCRATCH_STRIDE, attentionBytes(attention)],
      [L.RUN_TILES, scratch + this.threads * attentionBytes(attention)],
      [L.RUN_TILE_STRIDE, tileBytes],
      [L.RUN_MAX_CONTEXT, longest],
      [L.RUN_CANCELLED, 0],
      [L.RUN_BLOCKS, arrays.blocks],
      [L.RUN_BLOCK_COUNT, blocks],
      [L.RUN_MAX_QUERIES, attention.blockQueries],
      [L.RUN_SPLITS, isSplit ? chunksOf(longest) : 0],
      [L.RUN_PARTIALS, scratch + perThread],
      [L.RUN_PROFILE, 0],
    ];
    const { i32 } = this.memory;
    for (const [field, value] of header) i32[(run + field) / 4] = value;
    return scratch + perThread + partials;
  }

  /** @param rows of the slice that was written last, whose logits come next */
  askLogits(rows: readonly number[]): void {
    const { i32 } = this.memory;
    const { run, rowArrays } = this.buffers;
    i32.set(rows, rowArrays.logitIndices / 4);
    i32[(run + L.RUN_LOGIT_ROWS) / 4] = rows.length;
  }

  /** What the slice that was written last attends to. */
  attended(): AttendedEntries {
    const { i32 } = this.memory;
    const { run, rowArrays: arrays, windows } = this.buffers;
    const rows = i32[(run + L.RUN_ROWS) / 4];
    const spans = windows.map((_, window) =>
      Array.from({ length: rows }, (__, row) => ({
        context: i32[arrays.contexts / 4 + row],
        start: i32[arrays.starts / 4 + window * rows + row],
        end: i32[arrays.ends / 4 + row],
      })),
    );
    return {
      byRows: spans.map((ofRows) => ofRows.reduce((sum, { start, end }) => sum + end - start, 0)),
      read: spans.map((ofRows) => {
        const [starts, ends] = [new Map<number, number>(), new Map<number, number>()];
        for (const { context, start, end } of ofRows) {
          starts.set(context, Math.min(start, starts.get(context) ?? start));
          ends.set(context, Math.max(end, ends.get(context) ?? end));
        }
        return [...ends].reduce((sum, [context, end]) => sum + end - (starts.get(context) ?? 0), 0);
      }),
    };
  }

  /** Where the next plan puts its times; 0 for nowhere. */
  setProfile(at: number): void {
    this.memory.i32[(this.buffers.run + L.RUN_PROFILE) / 4] = at;
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

  /** Rows of one sequence that attend together: each sees what the one before sees, and more. Gives their number. */
  private writeBlocks(batch: Batch, from: number, to: number): number {
    const { i32 } = this.memory;
    const { attention, rowArrays } = this.buffers;
    const { sequences, positions } = batch;
    let at = rowArrays.blocks / 4;
    let blocks = 0;
    for (let row = from; row < to; blocks++) {
      let end = row + 1;
      const last = Math.min(to, row + attention.blockRows);
      while (end < last && sequences[end] === sequences[row] && positions[end] >= positions[end - 1]) end++;
      i32[at++] = row - from;
      i32[at++] = end - row;
      row = end;
    }
    return blocks;
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
