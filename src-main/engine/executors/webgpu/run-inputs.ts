/** The data of a run on the GPU: one record per row, and the cells that the rows attend to. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuQueue } from '../../api/gpu.ts';
import { attendedLength } from '../../kv-cache/kv-cache.ts';
import type { RopeAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { DrawChoice, NextChoice } from '../../sampling/next-choice.ts';
import type { Batch } from '../executor.ts';
import type { AttendedCells } from './op-work.ts';
import { STEP_KINDS } from './ops/draw.ts';
import { DRAW_STEPS, ROW, RUN, type RunLayout } from './shader.ts';

/** The fields of a row's record for a program. */
export interface RunFormat extends RunLayout {
  readonly ropes: readonly RopeAttributes[];
}

/** Each distinct window and rotary embedding has its own fields. */
export function runFormat(program: Program): RunFormat {
  const windows = new Map<number | null, number>();
  const ropes: RopeAttributes[] = [];
  for (const op of program.ops) {
    if (op.op === 'attention' && !windows.has(op.attributes.window)) {
      windows.set(op.attributes.window, ROW.windows + windows.size);
    }
    if (op.op === 'rope' && ropeIndex(ropes, op.attributes) === -1) ropes.push(op.attributes);
  }
  let record = ROW.windows + windows.size;
  const angles = ropes.map(({ frequencies }) => {
    const at = record;
    record += 2 * frequencies.length;
    return at;
  });
  return { record, windows, angles, ropes };
}

/** Index of the rotary embedding with the same angles; -1 if there is none. */
export function ropeIndex(ropes: readonly RopeAttributes[], wanted: RopeAttributes): number {
  return ropes.findIndex(
    ({ magnitude, frequencies }) =>
      magnitude === wanted.magnitude &&
      frequencies.length === wanted.frequencies.length &&
      frequencies.every((frequency, i) => frequency === wanted.frequencies[i]),
  );
}

/** Bytes of the run's buffer. */
export function runBytes({ record }: RunFormat, rows: number): number {
  return 4 * (RUN.header + rows * record);
}

/** Writes runs to a pair of buffers. Of the contexts, it writes only what changed since the last run. */
export class GpuRunInputs {
  private readonly words: Uint32Array<ArrayBuffer>;
  private readonly floats: Float32Array<ArrayBuffer>;
  private readonly contexts: Uint32Array<ArrayBuffer>;
  /** Most cells that a row attends to, of those that were written last. */
  longest = 0;
  /** Words of `contexts` that were written before. */
  private known = 0;

  constructor(
    private readonly queue: GpuQueue,
    private readonly format: RunFormat,
    readonly run: GpuBuffer,
    readonly cells: GpuBuffer,
  ) {
    this.words = new Uint32Array(run.size / 4);
    this.floats = new Float32Array(this.words.buffer);
    this.contexts = new Uint32Array(cells.size / 4);
  }

  /** How many rows from `from` on fit into one slice with their contexts. */
  fitting(batch: Batch, from: number, rows: number): number {
    const used = new Set<number>();
    let total = 0;
    for (let row = from; row < Math.min(from + rows, batch.tokens.length); row++) {
      const sequence = batch.sequences[row];
      if (used.has(sequence)) continue;
      used.add(sequence);
      total += batch.contexts[sequence].cells.length;
      if (total > this.contexts.length) return row - from;
    }
    return Math.min(rows, batch.tokens.length - from);
  }

  /** @param logitRows rows of the slice @param choose how the run chooses a token */
  write(
    batch: Batch,
    from: number,
    to: number,
    causal: boolean,
    logitRows: readonly number[],
    choose: NextChoice = 'greedy',
  ): void {
    const { record, windows, ropes, angles } = this.format;
    const starts = this.writeContexts(batch, from, to);
    this.longest = 0;
    for (let row = from; row < to; row++) {
      const at = RUN.header + (row - from) * record;
      const position = batch.positions[row];
      const { positions } = batch.contexts[batch.sequences[row]];
      const start = starts.get(batch.sequences[row])!;
      this.words[at + ROW.token] = batch.tokens[row];
      this.words[at + ROW.position] = position;
      this.words[at + ROW.cell] = batch.cells[row];
      this.words[at + ROW.context] = start;
      const attended = causal ? attendedLength(positions, position) : positions.length;
      this.longest = Math.max(this.longest, attended);
      this.words[at + ROW.end] = start + attended;
      for (const [window, field] of windows) {
        this.words[at + field] = start + (window === null ? 0 : attendedLength(positions, position - window));
      }
      ropes.forEach(({ frequencies, magnitude }, i) => {
        const cosines = at + angles[i];
        const sines = cosines + frequencies.length;
        for (let pair = 0; pair < frequencies.length; pair++) {
          const angle = position * frequencies[pair];
          this.floats[cosines + pair] = Math.cos(angle) * magnitude;
          this.floats[sines + pair] = Math.sin(angle) * magnitude;
        }
      });
    }
    this.writeHeader(to - from, logitRows);
    if (choose !== 'greedy') writeDraw(this.words, choose);
    this.queue.writeBuffer(this.run, 0, this.words, 0, RUN.header + (to - from) * record);
  }

  /** Changes which rows' logits are computed next. */
  writeLogitRows(rows: number, logitRows: readonly number[]): void {
    this.writeHeader(rows, logitRows);
    this.queue.writeBuffer(this.run, 0, this.words, 0, RUN.header);
  }

  private writeHeader(rows: number, logitRows: readonly number[]): void {
    this.words[RUN.rows] = rows;
    this.words[RUN.logitRows] = logitRows.length;
    logitRows.forEach((row, i) => (this.words[RUN.logitIndices + i] = row));
  }

  /** Of the rows that were written last. */
  attended(window: number | null): AttendedCells {
    const field = this.format.windows.get(window)!;
    let byRows = 0;
    /** By sequence: the first and the end of what its rows attend to. */
    const ranges = new Map<number, { from: number; to: number }>();
    for (let row = 0; row < this.words[RUN.rows]; row++) {
      const at = RUN.header + row * this.format.record;
      const [from, to] = [this.words[at + field], this.words[at + ROW.end]];
      byRows += to - from;
      const range = ranges.get(this.words[at + ROW.context]) ?? { from, to };
      ranges.set(this.words[at + ROW.context], { from: Math.min(from, range.from), to: Math.max(to, range.to) });
    }
    return { byRows, read: [...ranges.values()].reduce((sum, { from, to }) => sum + to - from, 0) };
  }

  /** @returns by sequence: index of its first cell */
  private writeContexts(batch: Batch, from: number, to: number): Map<number, number> {
    const starts = new Map<number, number>();
    let end = 0;
    let [firstChange, lastChange] = [Infinity, -1];
    for (let row = from; row < to; row++) {
      const sequence = batch.sequences[row];
      if (starts.has(sequence)) continue;
      starts.set(sequence, end);
      for (const cell of batch.contexts[sequence].cells) {
        if (end >= this.known || this.contexts[end] !== cell) {
          this.contexts[end] = cell;
          firstChange = Math.min(firstChange, end);
          lastChange = end;
        }
        end++;
      }
    }
    this.known = Math.max(this.known, end);
    if (lastChange >= 0) {
      this.queue.writeBuffer(this.cells, 4 * firstChange, this.contexts, firstChange, lastChange + 1 - firstChange);
    }
    return starts;
  }
}

/** Writes a draw to a run's header. @param words of the run @throws EngineError INTERNAL for too many steps */
export function writeDraw(words: Uint32Array<ArrayBuffer>, { steps, random }: DrawChoice): void {
  if (steps.length > DRAW_STEPS) throw new EngineError('INTERNAL', `A draw has ${steps.length} steps.`);
  const floats = new Float32Array(words.buffer, 0, words.length);
  floats[RUN.random] = random;
  for (let i = 0; i < DRAW_STEPS; i++) {
    const [kind, value] = steps.at(i) ?? (['none', 0] as const);
    words[RUN.steps + 2 * i] = STEP_KINDS[kind];
    floats[RUN.steps + 2 * i + 1] = value;
  }
}
