import { EngineError } from '../api/errors.ts';
import type { CancelToken } from '../api/platform.ts';
import { type Batch, type Executor, MAX_ROWS, type Outputs } from '../executors/executor.ts';
import { partialProgram, rowsProgram, tensorName } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import type { WeightView } from '../program/weights.ts';

/** Runs parts of a program on rows that do not attend to each other. Touches no cell of the KV cache. */
export class PartialRuns {
  private readonly rowsPerRun: number;

  /** @param contextSize cells of the executor, which limit a batch */
  constructor(
    private readonly executor: Pick<Executor, 'run'>,
    contextSize: number,
    private readonly cancel: CancelToken | undefined,
  ) {
    this.rowsPerRun = Math.min(MAX_ROWS, contextSize);
  }

  /**
   * Computes one tensor from another.
   * @param rows `[count, width]` of the tensor `given`
   * @returns `[count, width]` of the tensor `wanted`
   */
  async tensor(program: Program, given: number, rows: Float32Array, wanted: number): Promise<Float32Array> {
    const part = partialProgram(program, { given: [given], wanted: [wanted] });
    const { width } = program.tensors[given];
    const result = new Float32Array((rows.length / width) * program.tensors[wanted].width);
    let at = 0;
    for (const slice of this.slices(rows, width)) {
      const outputs = { program: part, given: new Map([[tensorName(given), slice]]), taps: [tensorName(wanted)] };
      const { taps } = await this.run(idleBatch(new Int32Array(slice.length / width)), outputs);
      const { data } = required(taps.get(tensorName(wanted)));
      result.set(data, at);
      at += data.length;
    }
    return result;
  }

  /**
   * The logits of each row of a tensor.
   * @param kind `raw` without their soft-cap
   * @returns `[vocabulary]` per row, one after the other
   */
  async *logits(
    program: Program,
    given: number,
    rows: Float32Array,
    kind: 'raw' | 'capped',
  ): AsyncGenerator<Float32Array, void, undefined> {
    const part = partialProgram(program, { given: [given], wanted: [], logits: kind });
    const { width } = program.tensors[given];
    for (const slice of this.slices(rows, width)) {
      const batch = idleBatch(new Int32Array(slice.length / width));
      const outputs = { program: part, given: new Map([[tensorName(given), slice]]), logits: [...batch.tokens.keys()] };
      const { logits } = await this.run(batch, outputs);
      for (const handle of logits) yield await handle.read();
    }
  }

  /** Rows of a matrix as the executor stores it: `[ids, width]`. */
  async matrixRows(program: Program, matrix: WeightView, ids: readonly number[]): Promise<Float32Array> {
    const width = matrix.shape[1];
    const result = new Float32Array(ids.length * width);
    for await (const [first, rows] of this.slicesOfRows(program, matrix, Int32Array.from(ids))) {
      result.set(rows, first * width);
    }
    return result;
  }

  /** As `matrixRows`, a run at a time: the index of its first id, and `[ids of the run, width]`. */
  async *slicesOfRows(
    program: Program,
    matrix: WeightView,
    ids: Int32Array,
  ): AsyncGenerator<[first: number, rows: Float32Array], void, undefined> {
    const outputs = { program: rowsProgram(program, matrix), taps: ['rows'] };
    for (let first = 0; first < ids.length; first += this.rowsPerRun) {
      const { taps } = await this.run(idleBatch(ids.slice(first, first + this.rowsPerRun)), outputs);
      yield [first, required(taps.get('rows')).data];
    }
  }

  private *slices(rows: Float32Array, width: number): Generator<Float32Array, void, undefined> {
    const step = this.rowsPerRun * width;
    for (let from = 0; from < rows.length; from += step) yield rows.subarray(from, from + step);
  }

  private run(batch: Batch, outputs: Partial<Outputs>): ReturnType<Executor['run']> {
    return this.executor.run(batch, { logits: [], ...outputs }, this.cancel);
  }
}

/** A batch for operations other than attention: every row is the first of its sequence. */
function idleBatch(tokens: Int32Array): Batch {
  const zeros = new Int32Array(tokens.length);
  const first = Int32Array.of(0);
  const contexts = [{ cells: first, positions: first }];
  return { tokens, positions: zeros, cells: zeros, sequences: zeros, contexts };
}

/** @throws EngineError INTERNAL */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new EngineError('INTERNAL', 'The executor did not return a tapped tensor.');
  return value;
}
