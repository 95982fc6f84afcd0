import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuCommandEncoder, GpuComputePass, GpuDevice, GpuQuerySet } from '../../api/gpu.ts';
import type { OpProfile } from '../../api/types.ts';
import { USAGE } from './device.ts';
import { readBack } from './logits-readback.ts';
import type { DispatchWork, RunSize } from './op-work.ts';

/** Each dispatch has two: its start and its end. */
const QUERIES = 2;
/** Most queries of a set, on every adapter. */
const MOST_QUERIES = 4096;
const BYTES_PER_QUERY = 8;

/** A range of queries whose times are written side by side. */
interface TimeSet {
  readonly queries: GpuQuerySet;
  readonly resolved: GpuBuffer;
  readonly readback: GpuBuffer;
}

/**
 * Times the dispatches of a run with timestamp queries. Each dispatch gets a compute pass of its own, because times are
 * only written at the ends of passes.
 */
export class DispatchTimes {
  readonly ops: OpProfile[] = [];
  /** From the first start to the last end of each slice, ms. */
  ms = 0;
  private readonly sets: TimeSet[] = [];
  /** Those since the last `collect`. */
  private timed: { readonly work: DispatchWork; readonly run: RunSize }[] = [];

  /** @throws EngineError BAD_REQUEST when the GPU has no timestamp queries */
  constructor(private readonly device: GpuDevice) {
    if (device.features?.has('timestamp-query')) return;
    throw new EngineError(
      'BAD_REQUEST',
      'This GPU or its driver has no timestamp queries, so operations cannot be timed. Use the wasm executor, or measure without a profile.',
    );
  }

  /** Starts the pass of one dispatch. */
  begin(encoder: GpuCommandEncoder, work: DispatchWork, run: RunSize): GpuComputePass {
    const index = QUERIES * this.timed.push({ work, run }) - QUERIES;
    const { queries: querySet } = this.setOf(index);
    const beginningOfPassWriteIndex = index % MOST_QUERIES;
    const endOfPassWriteIndex = beginningOfPassWriteIndex + 1;
    return encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex },
    });
  }

  /** Records that the times of all dispatches so far are read back. */
  resolve(encoder: GpuCommandEncoder): void {
    this.used().forEach(({ queries, resolved, readback }, i) => {
      const count = this.queriesIn(i);
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readback, 0, count * BYTES_PER_QUERY);
    });
  }

  /** Reads them after the submit. */
  async collect(): Promise<void> {
    const times: number[] = [];
    for (const [i, { readback }] of this.used().entries()) {
      const values = await readBack(readback, this.queriesIn(i) * BYTES_PER_QUERY);
      for (const ns of new BigUint64Array(values.buffer)) times.push(Number(ns) / 1e6);
    }
    let [first, last, sum] = [Infinity, 0, 0];
    this.timed.forEach(({ work, run }, i) => {
      const [began, ended] = times.slice(QUERIES * i);
      // The specification allows clocks that are set back.
      const ms = Math.max(0, ended - began);
      [first, last, sum] = [Math.min(first, began), Math.max(last, ended), sum + ms];
      const { name } = work;
      this.ops.push({ name, calls: 1, ms, waitMs: 0, bytes: work.bytes(run), multiplyAdds: work.multiplyAdds(run) });
    });
    // Dispatches that do not depend on each other may overlap.
    this.ms += Math.max(last - first, sum);
    this.timed = [];
  }

  destroy(): void {
    for (const { queries, resolved, readback } of this.sets) {
      for (const each of [queries, resolved, readback]) each.destroy();
    }
    this.sets.length = 0;
  }

  private used(): readonly TimeSet[] {
    return this.sets.slice(0, Math.ceil((QUERIES * this.timed.length) / MOST_QUERIES));
  }

  private queriesIn(set: number): number {
    return Math.min(MOST_QUERIES, QUERIES * this.timed.length - set * MOST_QUERIES);
  }

  private setOf(query: number): TimeSet {
    const { device } = this;
    const i = Math.floor(query / MOST_QUERIES);
    const size = MOST_QUERIES * BYTES_PER_QUERY;
    const buffer = (usage: number) => device.createBuffer({ label: 'times', size, usage });
    this.sets[i] ??= {
      queries: device.createQuerySet({ type: 'timestamp', count: MOST_QUERIES }),
      resolved: buffer(USAGE.QUERY_RESOLVE | USAGE.COPY_SRC),
      readback: buffer(USAGE.MAP_READ | USAGE.COPY_DST),
    };
    return this.sets[i];
  }
}
