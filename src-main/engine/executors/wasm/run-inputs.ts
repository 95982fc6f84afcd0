import { attendedLength } from '../../kv-cache/kv-cache.ts';
import type { Batch } from '../executor.ts';
import type { AttentionExtents, Buffers, RopeTable } from './buffers.ts';
import { align, type KernelMemory } from './kernel-memory.ts';
import type { AttendedEntries } from './op-profile.ts';
import * as L from './plan-layout.ts';

/** Maximum rows whose context chunks are distributed over threads: more rows keep the threads busy anyway. */
const SPLIT_ROWS = 4;
/** Attention tasks per thread that balance the load well enough. */
const PARTS = 4;

/** Scratch bytes of a run over one sequence of `tokens` tokens: its list of cells, and the threads' scratch memory. */
export function runBytes(buffers: Buffers, tokens: number, threads: number): number {
  const rows = Math.min(SPLIT_ROWS, buffers.size.rows);
  return contextBytes(tokens) + threadBytes(buffers, threads) + partialBytes(buffers, rows, tokens);
}

function threadBytes({ attention, tileBytes }: Buffers, threads: number): number {
  return threads * (attentionBytes(attention) + tileBytes);
}

/**
 * See `attend` of the kernels: queries, scores, two outputs, statistics of both; then scales and a chunk of keys or
 * values.
 */
function attentionBytes({ blockQueries, headValues }: AttentionExtents): number {
  const perQuery = 3 * 4 * headValues + L.ATTENTION_SCORE_STRIDE + 2 * L.ATTENTION_STATS;
  const chunk = L.ATTENTION_CHUNK * 4 * headValues + 2 * L.ATTENTION_SCORE_STRIDE;
  return align(blockQueries * perQuery + chunk);
}

/** Bytes of the list of a sequence's cells with its chunks before it. */
function contextBytes(tokens: number): number {
  return align(4 * (chunksOf(tokens) + tokens));
}

/** Bytes of attention's partial results per chunk of the context. */
function partialBytes({ attention }: Buffers, rows: number, tokens: number): number {
  return align(rows * attention.heads * chunksOf(tokens) * (L.ATTENTION_STATS + 4 * attention.headValues));
}

function chunksOf(tokens: number): number {
  return Math.ceil(tokens / L.ATTENTION_CHUNK);
}

/** Numbers of interleaved weight streams that may be the fastest. */
export const STREAM_COUNTS = [8, 2] as const;
export type StreamCount = (typeof STREAM_COUNTS)[number];

/** What runs in all memories of a model have in common. */
export interface RunSettings {
  /** Interleaved weight streams for products of few rows; see base/streams.ts of the kernels. */
  streams: StreamCount;
  /** Whether rows attend to no later ones. */
  causal: boolean;
}

/** Writes the kernels' description of a batch into a memory. */
export class RunInputs {
  constructor(
    private readonly memory: KernelMemory,
    private readonly buffers: Buffers,
    private readonly threads: number,
    private readonly settings: Readonly<RunSettings>,
  ) {}

  /**
   * Writes rows `from` to `to` of the batch.
   * @param extra bytes that the caller needs for this slice
   * @param threads that compute it
   * @param whole whether a row's whole context is one task, because its attention weights are tapped
   * @returns address of the extra bytes
   */
  write(batch: Batch, from: number, to: number, extra: number, threads: number, whole: boolean): number {
    const rows = to - from;
    const { attention } = this.buffers;
    let longest = 0;
    let listBytes = 0;
    for (const { cells } of batch.contexts) {
      longest = Math.max(longest, cells.length);
      listBytes += contextBytes(cells.length);
    }
    const perThread = threadBytes(this.buffers, this.threads);
    const partials = rows <= SPLIT_ROWS ? partialBytes(this.buffers, rows, longest) : 0;
    const base = this.memory.reserve(listBytes + perThread + partials + extra, `a context of ${longest} tokens`);
    // Views are fetched once: each fetch checks the memory, and this runs for every token.
    const { i32, f32 } = this.memory;
    this.writeRows(i32, batch, from, to, this.writeContexts(i32, batch, base));
    if (!this.settings.causal) this.attendToAll(i32, batch, from, to);
    for (const table of this.buffers.ropeTables) writeAngles(f32, table, batch, from, to);
    const blocks = this.writeBlocks(i32, batch, from, to);
    const isSplit = !whole && threads > 1 && rows <= SPLIT_ROWS && blocks * attention.fewestKvHeads < PARTS * threads;
    const scratch = base + listBytes;
    this.writeHeader(i32, scratch);
    const header = this.buffers.run / 4;
    i32[header + L.RUN_ROWS / 4] = rows;
    i32[header + L.RUN_MAX_CONTEXT / 4] = longest;
    i32[header + L.RUN_BLOCK_COUNT / 4] = blocks;
    i32[header + L.RUN_SPLITS / 4] = isSplit ? chunksOf(longest) : 0;
    i32[header + L.RUN_PARTIALS / 4] = scratch + perThread;
    return scratch + perThread + partials;
  }

  /** @param rows of the last written slice whose logits are computed next */
  setLogitRows(rows: readonly number[]): void {
    const { i32 } = this.memory;
    const { run, rowArrays } = this.buffers;
    for (let i = 0; i < rows.length; i++) i32[rowArrays.logitIndices / 4 + i] = rows[i];
    i32[(run + L.RUN_LOGIT_ROWS) / 4] = rows.length;
  }

  /** Attended entries of the last written slice. */
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

  /** Whether K or V of any slice since `expectNumbers` had a NaN that its storage cannot hold. */
  get hadNaN(): boolean {
    return this.memory.i32[(this.buffers.run + L.RUN_NOT_NUMBERS) / 4] !== 0;
  }

  /** Before the first slice of a run. */
  expectNumbers(): void {
    this.memory.i32[(this.buffers.run + L.RUN_NOT_NUMBERS) / 4] = 0;
  }

  /** Sets the address for the next plan's times; 0 for none. */
  setProfile(at: number): void {
    this.memory.i32[(this.buffers.run + L.RUN_PROFILE) / 4] = at;
  }

  /** Writes what is the same for all runs, or starts at 0. */
  private writeHeader(i32: Int32Array, scratch: number): void {
    const { attention, rowArrays: arrays, run, tileBytes } = this.buffers;
    const stride = attentionBytes(attention);
    const header = run / 4;
    i32[header + L.RUN_LOGIT_ROWS / 4] = 0;
    i32[header + L.RUN_TOKENS / 4] = arrays.tokens;
    i32[header + L.RUN_POSITIONS / 4] = arrays.positions;
    i32[header + L.RUN_ROW_CELLS / 4] = arrays.cells;
    i32[header + L.RUN_CONTEXTS / 4] = arrays.contexts;
    i32[header + L.RUN_ENDS / 4] = arrays.ends;
    i32[header + L.RUN_STARTS / 4] = arrays.starts;
    i32[header + L.RUN_LOGIT_INDICES / 4] = arrays.logitIndices;
    i32[header + L.RUN_SCRATCH / 4] = scratch;
    i32[header + L.RUN_SCRATCH_STRIDE / 4] = stride;
    i32[header + L.RUN_TILES / 4] = scratch + this.threads * stride;
    i32[header + L.RUN_TILE_STRIDE / 4] = tileBytes;
    i32[header + L.RUN_STREAMS / 4] = this.settings.streams;
    i32[header + L.RUN_CANCELLED / 4] = 0;
    i32[header + L.RUN_BLOCKS / 4] = arrays.blocks;
    i32[header + L.RUN_MAX_QUERIES / 4] = attention.blockQueries;
    i32[header + L.RUN_PROFILE / 4] = 0;
  }

  /**
   * Writes the cells of each sequence, and before them the first cell of each contiguous chunk. Returns the cells'
   * addresses.
   */
  private writeContexts(i32: Int32Array, batch: Batch, at: number): number[] {
    return batch.contexts.map(({ cells }) => {
      const address = at + 4 * chunksOf(cells.length);
      i32.set(cells, address / 4);
      for (let chunk = 0; chunk < chunksOf(cells.length); chunk++) {
        i32[address / 4 - 1 - chunk] = firstIfContiguous(cells, chunk * L.ATTENTION_CHUNK);
      }
      at += contextBytes(cells.length);
      return address;
    });
  }

  private writeRows(i32: Int32Array, batch: Batch, from: number, to: number, contexts: readonly number[]): void {
    const { rowArrays: arrays, windows } = this.buffers;
    const rows = to - from;
    for (let row = 0; row < rows; row++) {
      const sequence = batch.sequences[from + row];
      const position = batch.positions[from + row];
      const { positions } = batch.contexts[sequence];
      i32[arrays.tokens / 4 + row] = batch.tokens[from + row];
      i32[arrays.positions / 4 + row] = position;
      i32[arrays.cells / 4 + row] = batch.cells[from + row];
      i32[arrays.contexts / 4 + row] = contexts[sequence];
      i32[arrays.ends / 4 + row] = attendedLength(positions, position);
      for (let index = 0; index < windows.length; index++) {
        const window = windows[index];
        const start = window === null ? 0 : attendedLength(positions, position - window);
        i32[arrays.starts / 4 + index * rows + row] = start;
      }
    }
  }

  private attendToAll(i32: Int32Array, { sequences, contexts }: Batch, from: number, to: number): void {
    const ends = this.buffers.rowArrays.ends / 4;
    for (let row = from; row < to; row++) i32[ends + row - from] = contexts[sequences[row]].cells.length;
  }

  /**
   * Writes blocks of rows of one sequence that attend together: each sees all that the previous one sees, and more.
   * Returns their number.
   */
  private writeBlocks(i32: Int32Array, batch: Batch, from: number, to: number): number {
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
}

/** Computes angles in double precision: in float32 they would be off by whole degrees at high positions. */
export function writeAngles(
  f32: Float32Array,
  { attributes, at }: RopeTable,
  batch: Batch,
  from: number,
  to: number,
): void {
  const { frequencies, magnitude } = attributes;
  const pairs = frequencies.length;
  let index = at / 4;
  for (let row = from; row < to; row++) {
    if (row > from && batch.positions[row] === batch.positions[row - 1]) {
      f32.copyWithin(index, index - 2 * pairs, index);
      index += 2 * pairs;
      continue;
    }
    for (let i = 0; i < pairs; i++, index++) {
      const angle = batch.positions[row] * frequencies[i];
      f32[index] = Math.cos(angle) * magnitude;
      f32[index + pairs] = Math.sin(angle) * magnitude;
    }
    index += pairs;
  }
}

/** The first cell of the chunk that begins at `start`, or -1 if its cells are not contiguous. */
function firstIfContiguous(cells: Int32Array, start: number): number {
  const end = Math.min(start + L.ATTENTION_CHUNK, cells.length);
  const offset = cells[start] - start;
  for (let i = start + 1; i < end; i++) if (cells[i] !== i + offset) return -1;
  return cells[start];
}
