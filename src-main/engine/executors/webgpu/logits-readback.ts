/** Reads the logits of a run from the GPU: all of them, or the best first and the others on demand. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuCommandEncoder } from '../../api/gpu.ts';
import { type Logits, PlainLogits } from '../../sampling/logits.ts';
import { TopLogits } from '../../sampling/top-logits.ts';
import type { LogitsHandle } from '../executor.ts';
import { HostLogits } from '../logits.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { MAP_READ } from './device.ts';
import type { DispatchTimes } from './dispatch-times.ts';
import type { DeviceWatch } from './device-watch.ts';
import { TOP_HEADER, topWords } from './ops/top-logits.ts';
import { LOGIT_ROWS, strideOf } from './shader.ts';

/** Bytes of the logits of some rows. */
export function logitsBytes(vocabularySize: number, rows = LOGIT_ROWS): number {
  return 4 * rows * strideOf(vocabularySize);
}

export class LogitsReadback {
  /** Those of `forBest` that are not in use. */
  private readonly free: GpuBuffer[];

  /**
   * @param buffer for reading back, of `logitsBytes`
   * @param forBest for reading back the best of one row each, while others are in flight
   * @param size of the vocabulary
   */
  constructor(
    private readonly watch: DeviceWatch,
    private readonly buffer: GpuBuffer,
    forBest: readonly GpuBuffer[],
    private readonly size: number,
  ) {
    this.free = [...forBest];
  }

  /**
   * Records the logits of the rows that the plan's inputs name, and a copy of all or of the best.
   * @param selects whether the best are read first, and whether the run draws one of them
   * @param isCurrent whether the plan has not run since
   * @param explaining runs a later read, and explains its errors
   * @param times of the dispatches, if they are measured
   * @returns what reads them after the submit
   */
  record(
    encoder: GpuCommandEncoder,
    plan: CompiledPlan,
    rows: number,
    selects: { readonly best: boolean; readonly draw?: boolean },
    isCurrent: () => boolean,
    explaining: <T>(read: () => Promise<T>) => Promise<T>,
    times: DispatchTimes | null,
  ): () => Promise<LogitsHandle[]> {
    const { topLogits } = plan.buffers;
    plan.encodeLogits(encoder, rows, selects, times);
    if (!selects.best || topLogits === null) {
      this.copyAll(encoder, plan, rows);
      return async () => (await this.valuesOf(rows)).map((values) => new HostLogits(values));
    }
    const bytes = 4 * rows * topWords(topLogits.k);
    const own = rows === 1 ? this.free.pop() : undefined;
    const buffer = own ?? this.buffer;
    encoder.copyBufferToBuffer(topLogits.result, 0, buffer, 0, bytes);
    // Lanes may read theirs at the same time.
    let all: Promise<PlainLogits[]> | null = null;
    const readAll = (row: number) => async () => {
      if (!isCurrent()) throw new EngineError('INTERNAL', 'Borrowed logits were read after the executor ran again.');
      all ??= explaining(() => this.readAll(plan, rows));
      return (await all)[row];
    };
    return async () => {
      const read = readBack(buffer, bytes).finally(() => own && this.free.push(own));
      const words = new Uint32Array((await read).buffer);
      const wordsOf = (row: number) => words.subarray(row * topWords(topLogits.k), (row + 1) * topWords(topLogits.k));
      return Array.from({ length: rows }, (_, row) => {
        const chosen = wordsOf(row)[TOP_HEADER.chosen];
        return new BestFirst(topOf(wordsOf(row), this.size, readAll(row)), chosen);
      });
    };
  }

  private copyAll(encoder: GpuCommandEncoder, { buffers }: CompiledPlan, rows: number): void {
    encoder.copyBufferToBuffer(buffers.logits, 0, this.buffer, 0, logitsBytes(this.size, rows));
  }

  private async valuesOf(rows: number): Promise<Float32Array[]> {
    const values = await readBack(this.buffer, logitsBytes(this.size, rows));
    return Array.from({ length: rows }, (_, row) => {
      const at = row * strideOf(this.size);
      return values.slice(at, at + this.size);
    });
  }

  /** All logits of the last run. */
  private async readAll(plan: CompiledPlan, rows: number): Promise<PlainLogits[]> {
    const { watch } = this;
    const encoder = watch.device.createCommandEncoder();
    this.copyAll(encoder, plan, rows);
    const [, values] = await Promise.all([watch.submit(encoder.finish()), this.valuesOf(rows)]);
    return values.map((row) => new PlainLogits(row));
  }
}

/** @param words result of the kernel `topLogits` for a row */
export function topOf(words: Uint32Array<ArrayBuffer>, size: number, readAll: () => Promise<Logits>): TopLogits {
  const { count, notNumbers, highest, sum, words: header } = TOP_HEADER;
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const isBroken = words[notNumbers] > 0 || !Number.isFinite(floats[highest]);
  const logSum = isBroken ? Number.NaN : floats[highest] + Math.log(floats[sum]);
  const known = isBroken ? 0 : words[count];
  const ids = Int32Array.from({ length: known }, (_, i) => words[header + 2 * i]);
  return new TopLogits(
    size,
    ids,
    Float32Array.from(ids, (_, i) => floats[header + 2 * i + 1]),
    logSum,
    readAll,
  );
}

class BestFirst implements LogitsHandle {
  constructor(
    private readonly best: TopLogits,
    readonly chosen: number,
  ) {}

  async read(): Promise<Float32Array> {
    return (await this.best.all()).values.slice();
  }

  lend(): Promise<TopLogits> {
    return Promise.resolve(this.best);
  }
}

/** The first `bytes` bytes of a buffer for reading back, after all that was submitted. */
export async function readBack(buffer: GpuBuffer, bytes: number): Promise<Float32Array<ArrayBuffer>> {
  await buffer.mapAsync(MAP_READ, 0, bytes);
  try {
    // A copy: the mapped memory is detached when it is unmapped.
    return new Float32Array(buffer.getMappedRange(0, bytes).slice(0));
  } finally {
    buffer.unmap();
  }
}
