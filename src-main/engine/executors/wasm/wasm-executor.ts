import { EngineError } from '../../api/errors.ts';
import type { CancelToken, Clock, CompiledKernels, KernelThreads, Measurements } from '../../api/platform.ts';
import type { KernelsInfo, KvCacheType, OpProfile, RunProfile } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { checkBatch, checkCausal, checkOrder } from '../batch.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { HostLogits } from '../logits.ts';
import { chooseKernels, type DotChoice } from './kernel-choice.ts';
import { fuse, type FusedOp } from '../fusion.ts';
import { KernelMemory } from './kernel-memory.ts';
import { checkAddressable, wasmMemory, type WasmMemory } from './memory-estimate.ts';
import { instantiateKernels, type KernelExports } from './kernels.ts';
import { type CellStorage, WasmCellBlock } from './cell-block.ts';
import { WasmCellAccess } from './wasm-cell-access.ts';
import { LentLogits, logSumAt, type LogitsLocation, topAt } from './lent-logits.ts';
import { defaultKvCacheType } from './kv-storage.ts';
import { type Measured, type MeasureOnce, measureOnce, timeAlternatives, whenMeasured } from './measure-once.ts';
import { profileOps, sumUp } from './op-profile.ts';
import * as L from './plan-layout.ts';
import {
  type StoredPlan,
  storePlan,
  largestMatrix,
  logitSumsStride,
  lower,
  lowerLogits,
  NO_TAPS,
  strideOf,
} from './plan.ts';
import { STREAM_COUNTS, type StreamCount, runBytes, RunInputs } from './run-inputs.ts';
import { allocateBuffers, type Buffers, type BufferSizes } from './buffers.ts';
import { TailoredPlan } from './tailored-plan.ts';
import { chooseThreads, threadsFor } from './thread-choice.ts';
import { ThreadPool } from './thread-pool.ts';
import type { DotTraits } from './weight-layouts.ts';
import { packWeights, weightsInMemory } from './weights.ts';

export interface WasmExecutorOptions {
  readonly kernels: CompiledKernels;
  /** Cells of K and V storage: tokens of all sequences together. */
  readonly cells: number;
  /**
   * The host that starts threads, and how many to use, including the caller's; with a clock instead of a number, the
   * fastest number is measured. By default only the caller's thread computes.
   */
  readonly threads?: { readonly count: number | Clock; readonly host: KernelThreads | undefined } | undefined;
  /** Storage type of K and V; by default as exact as the weights. */
  readonly kvCacheType?: KvCacheType | undefined;
  /** For profiles, and to time kernels if more than one may be the fastest. */
  readonly clock?: Clock | undefined;
  /** Stored measurements, which need not be repeated. */
  readonly measurements?: Measurements | undefined;
  /** Width of the sums of 4-bit products; by default the fastest. */
  readonly sums?: DotTraits['sums'] | undefined;
  /** Number of interleaved weight streams for single tokens; by default the fastest. */
  readonly streams?: StreamCount | undefined;
  /** Called with the bytes of each slice of weights read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Checked while weights are read, threads start and tokens are timed. */
  readonly cancel?: CancelToken | undefined;
}

/** Maximum rows per slice: enough to reuse each loaded weight, few enough for the caches. */
const MAX_ROWS = 256;
/** Rows whose logits are computed at once. */
const LOGIT_ROWS = 8;
/** Weights up to this size stay in a cache, where the number of streams makes no difference. */
const CACHED_BYTES = 16 * 2 ** 20;
/** Maximum time of all barriers of a token. */
const MEETINGS_MS = 2;
/** From so many rows on, any model has enough work for all threads. */
const MANY_ROWS = 8;

/**
 * The fast executor: the program becomes a flat plan in WebAssembly memory, and a run enters WebAssembly once per slice
 * of rows. Weights are packed as they are read. A token gives the same bits however a prompt is split into batches.
 *
 * @throws EngineError OUT_OF_MEMORY, CANCELLED, and the errors of reading weights
 */
export async function createWasmExecutor(
  program: Program,
  weights: WeightReader,
  options: WasmExecutorOptions,
): Promise<Executor> {
  const { host, count } = options.threads ?? { host: undefined, count: 1 };
  const threads = typeof count === 'number' ? count : threadsFor(host?.available ?? 1);
  const kvCacheType = options.kvCacheType ?? defaultKvCacheType(program, weights);
  const size = bufferSizes(options.cells, kvCacheType);
  const needed = wasmMemory(program, weights, size, threads);
  checkAddressable(needed, options.cells);
  const memory = new KernelMemory(options.kernels.shared);
  const bytes = needed.weights + needed.kvCache + needed.scratch;
  memory.ensure(bytes, `the model with a context of ${options.cells} tokens`);
  const cancel: { current: CancelToken | undefined } = { current: undefined };
  const instantiate = (module: WebAssembly.Module) =>
    instantiateKernels(module, memory.memory, () => cancel.current?.cancelled ?? false, options.clock);
  const once = measureOnce(options.kernels, options.measurements);
  const chosen = await chooseKernels(options.kernels, instantiate, memory, options.clock, once);
  const dot = options.sums ? { ...chosen.dot, sums: options.sums, reason: 'as requested' } : chosen.dot;
  const { module, kernels, variant } = chosen;
  const packed = await packWeights(program, weights, memory, kernels, dot, options);
  const fused = fuse(program);
  const buffers = allocateBuffers(program, fused, packed, memory, size);
  // Most runs need no more than this, so memory rarely grows after the threads have started.
  const forRun = runBytes(buffers, options.cells, threads);
  memory.reserve(forRun, `a context of ${options.cells} tokens`);
  const shared = { module, shared: options.kernels.shared };
  const pool = await ThreadPool.start(shared, memory, host, threads, options.cancel);
  try {
    const executor = new WasmExecutor(program, fused, memory, kernels, buffers, pool, cancel, {
      variant,
      revision: options.kernels.hash ?? null,
      dot,
      weights: weightsInMemory(program, weights, dot),
      forRun,
      clock: options.clock,
    });
    await executor.chooseStreams(options.streams ?? options.clock, once, options.cancel);
    if (typeof count !== 'number') await executor.measureThreads(count, once, options.cancel);
    return executor;
  } catch (error) {
    // Threads that are not stopped would wait forever and hold the shared memory.
    await pool.stop();
    throw error;
  }
}

function bufferSizes(cells: number, kvCacheType: KvCacheType): BufferSizes {
  return { cells, rows: Math.min(cells, MAX_ROWS), logitRows: LOGIT_ROWS, kvCacheType };
}

/**
 * Memory that the executor would need, before it is created.
 * @param available threads that this computer runs at once
 */
export function wasmMemoryOf(
  program: Program,
  weights: Pick<WeightReader, 'typeOf'>,
  cells: number,
  available: number,
  kvCacheType = defaultKvCacheType(program, weights),
): WasmMemory {
  return wasmMemory(program, weights, bufferSizes(cells, kvCacheType), threadsFor(available));
}

interface ExecutorFacts extends Pick<KernelsInfo, 'variant' | 'revision' | 'weights'> {
  readonly dot: DotChoice;
  readonly forRun: number;
  readonly clock: Clock | undefined;
}

class WasmExecutor implements Executor {
  readonly name = 'wasm';
  readonly cellAccess: WasmCellAccess;
  private readonly inputs: RunInputs;
  private readonly own: CellStorage;
  private readonly logits: StoredPlan;
  private readonly scratchBytes: number;
  private block: WasmCellBlock | null = null;
  /** Size of the largest block so far; the kernel memory keeps it after its release. */
  private blockBytes = 0;
  private disposed = false;
  /** Lent logits are valid while it stays the same. */
  computedTokens = 0;
  /** Collects the times of the current run; null without profiling. */
  private profiling: OpProfile[] | null = null;
  private profileAt = 0;
  /** Threads for runs with little work, such as one token. */
  private fewRowsThreads: number;
  private whyThreads = 'as requested';
  private whyStreams = 'as requested';

  constructor(
    private readonly program: Program,
    private readonly fused: readonly FusedOp[],
    private readonly memory: KernelMemory,
    private readonly functions: KernelExports,
    private readonly buffers: Buffers,
    private readonly pool: ThreadPool,
    private readonly cancel: { current: CancelToken | undefined },
    private readonly facts: ExecutorFacts,
  ) {
    this.inputs = new RunInputs(memory, buffers, pool.threads);
    this.cellAccess = new WasmCellAccess(program, memory, buffers);
    this.fewRowsThreads = pool.threads;
    const main = storePlan(lower(program, fused, buffers.plan, NO_TAPS), memory);
    this.own = { cells: buffers.size.cells, plan: buffers.plan, main };
    this.logits = storePlan(lowerLogits(program, buffers.plan), memory);
    // With few rows, a thread takes a large part of a matrix as one chunk.
    pool.expect(largestMatrix([...main.ops, ...this.logits.ops]) / pool.threads);
    const { weights, kvCache } = buffers.bytes;
    this.scratchBytes = memory.allocated - weights - kvCache + facts.forRun;
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { weights, kvCache } = this.buffers.bytes;
    const inBlock = this.block?.bytes ?? 0;
    return { weights, kvCache: kvCache + inBlock, scratch: this.scratchBytes + this.blockBytes - inBlock };
  }

  get kernels(): KernelsInfo {
    const { threads } = this.pool;
    const { kvCacheType } = this.buffers.size;
    const { variant, revision, dot, weights } = this.facts;
    const sums = { bits: dot.sums === 'i16' ? 16 : 32, reason: dot.reason } as const;
    const streams = { count: this.isFloat32 ? 4 : this.inputs.streams, reason: this.whyStreams };
    const { fewRowsThreads: decodeThreads, whyThreads: reason } = this;
    return { variant, revision, sums, streams, weights, threads, decodeThreads, reason, kvCacheType };
  }

  // Async so that errors arrive as rejections, though the work is synchronous.
  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    const storage = batch.block ? this.blockOf(batch.block) : this.own;
    const program = outputs.program ?? this.program;
    checkBatch(program, storage.cells, batch, outputs);
    const { size } = this.buffers;
    const rows = batch.tokens.length;
    checkOrder(batch, size.rows);
    const isTailored = program !== this.program || outputs.taps?.length;
    const tailored = isTailored ? new TailoredPlan(program, outputs, batch, this.buffers.ropeTables) : null;
    this.inputs.causal = program === this.program ? this.buffers.causal : checkCausal(program, rows, size.rows);
    const logits = new Map<number, LogitsHandle>();
    const asked = outputs.logits.length > 1 ? [...new Set(outputs.logits)] : outputs.logits;
    // A single group of logits stays where it was computed.
    const lend = outputs.lend === true && rows <= size.rows && asked.length <= size.logitRows;
    this.computedTokens += rows;
    const profile = outputs.profile && !tailored ? this.startProfile() : null;
    this.profiling = profile?.ops ?? null;
    this.cancel.current = cancel;
    try {
      for (let from = 0; from < rows; from += size.rows) {
        const to = Math.min(from + size.rows, rows);
        const plan = this.runSlice(storage, batch, from, to, tailored);
        const inSlice = asked.filter((row) => row >= from && row < to);
        const keep = (row: number, location: LogitsLocation) => logits.set(row, this.handleOf(location, lend));
        this.runLogits(plan, inSlice, from, keep);
      }
    } finally {
      this.cancel.current = undefined;
      this.profiling = null;
    }
    return {
      ...(profile ? { profile: profile.end(rows) } : {}),
      // A row may be requested twice.
      logits: outputs.logits.map((row) => logits.get(row)!),
      taps: tailored?.tensors ?? new Map<string, TapTensor>(),
    };
  }

  get failed(): boolean {
    return this.pool.failed;
  }

  /**
   * Chooses how many threads compute a token. The cache is still empty, so the cell that is written does not matter.
   * @throws EngineError CANCELLED
   */
  async measureThreads(clock: Clock, once: MeasureOnce, cancel?: CancelToken): Promise<void> {
    const time = (more: number, fewer: number) => this.timeThreads(clock, more, fewer, cancel);
    const { threads, reason, before } = await chooseThreads(this.pool.threads, this.costs(), once, time);
    this.fewRowsThreads = threads;
    this.whyThreads = reason;
    // V8 compiles kernels when they first run; do it now rather than in the first reply.
    if (before) await this.runToken(cancel);
  }

  private async timeThreads(clock: Clock, more: number, fewer: number, cancel?: CancelToken): Promise<Measured> {
    const choose = async (first: boolean) => {
      this.fewRowsThreads = first ? more : fewer;
      // Idle threads sleep; during a reply they are awake.
      if (first) await this.runToken(cancel);
    };
    const { values, clear } = await timeAlternatives(clock, choose, () => this.runToken(cancel));
    // Sharing makes a long token slower only while other programs use the processor, which is temporary.
    const isBusy = fewer === 1 && values[0] > values[1] && values[1] > MEETINGS_MS;
    return { values, clear: clear && !isBusy };
  }

  /** The float32 kernels always read four streams. */
  private get isFloat32(): boolean {
    return this.facts.weights.every(({ memoryType }) => memoryType === 'F32');
  }

  /**
   * Chooses the number of streams by timing single tokens, because processors prefetch differently.
   * @throws EngineError CANCELLED
   */
  async chooseStreams(asked: StreamCount | Clock | undefined, once: MeasureOnce, cancel?: CancelToken): Promise<void> {
    if (this.isFloat32) {
      this.whyStreams = 'float32 weights always use 4 streams';
      return;
    }
    if (typeof asked === 'number') {
      this.inputs.streams = asked;
      return;
    }
    const clock = asked;
    if (!clock) {
      this.whyStreams = 'no clock is available to measure with';
      return;
    }
    if (this.memoryBytes.weights < CACHED_BYTES) {
      this.whyStreams = 'the weights fit in the CPU cache, so the number of streams makes no difference';
      return;
    }
    const time = async () => {
      // V8 compiles kernels when they first run, which must not be timed.
      await this.runToken(cancel);
      const choose = (first: boolean) => void (this.inputs.streams = STREAM_COUNTS[first ? 0 : 1]);
      return timeAlternatives(clock, choose, () => this.runToken(cancel));
    };
    const what = `${STREAM_COUNTS.join(' or ')} places, ${this.pool.threads} at once, ${this.costs()}`;
    const { values, before } = await once(what, STREAM_COUNTS.length, time);
    this.inputs.streams = values[0] < values[1] ? STREAM_COUNTS[0] : STREAM_COUNTS[1];
    const [eight, two] = values.map((ms) => `${ms.toFixed(2)} ms`);
    this.whyStreams = `${whenMeasured(before)}: one token takes ${eight} with 8 streams, ${two} with 2`;
  }

  /** What a token's time depends on, independent of the model's name. */
  private costs(): string {
    return `${this.own.main.ops.length} operations, ${this.memoryBytes.weights} bytes of weights`;
  }

  private async runToken(cancel?: CancelToken): Promise<void> {
    const zero = Int32Array.of(0);
    const cells = { tokens: zero, positions: zero, cells: zero, sequences: zero };
    await this.run({ ...cells, contexts: [{ cells: zero, positions: zero }] }, { logits: [0] }, cancel);
  }

  allocateCells(cells: number): CellBlock {
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const { program, fused, memory, buffers } = this;
    const block = new WasmCellBlock(program, fused, memory, buffers, cells, () => (this.block = null));
    this.blockBytes = Math.max(this.blockBytes, block.bytes);
    this.block = block;
    return block;
  }

  private blockOf(wanted: CellBlock): CellStorage {
    if (this.block === null || wanted !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    return this.block;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return this.pool.stop();
  }

  /** @returns the plan for the slice's logits */
  private runSlice(
    storage: CellStorage,
    batch: Batch,
    from: number,
    to: number,
    tailored: TailoredPlan | null,
  ): StoredPlan {
    const rows = to - from;
    const free = this.inputs.write(
      batch,
      from,
      to,
      tailored?.bytes(rows) ?? 0,
      this.threadsOf(rows),
      tailored !== null,
    );
    if (!tailored) {
      this.execute(storage.main, rows);
      return this.logits;
    }
    const { main, logits } = tailored.writePlans(this.memory, storage.plan, [from, to], free);
    this.execute(main, rows);
    tailored.collect(this.memory.f32, from, to);
    return logits;
  }

  /**
   * @param rows of the whole batch, the slice beginning at `from`
   * @param keep receives each before the next are computed
   */
  private runLogits(
    plan: StoredPlan,
    rows: readonly number[],
    from: number,
    keep: (row: number, location: LogitsLocation) => void,
  ): void {
    const { memory, functions: kernels } = this;
    const count = this.program.vocabularySize;
    const { logits, logitSums, logitWeights: weights } = this.buffers.plan;
    for (let i = 0; i < rows.length; i += this.buffers.size.logitRows) {
      const group = rows.slice(i, i + this.buffers.size.logitRows);
      this.inputs.setLogitRows(group.map((row) => row - from));
      this.execute(plan, group.length);
      group.forEach((row, index) => {
        const at = logits + index * strideOf(count);
        keep(row, { kernels, memory, at, sums: logitSums + index * logitSumsStride(count), weights, count });
      });
    }
  }

  private handleOf(location: LogitsLocation, lend: boolean): LogitsHandle {
    const { computedTokens } = this;
    if (lend) return new LentLogits(location, () => this.computedTokens === computedTokens);
    const { at, count } = location;
    const values = this.memory.f32.slice(at / 4, at / 4 + count);
    // Computed by the same kernel as for lent logits, so that a token's probability does not depend on lending.
    return new HostLogits(values, logSumAt(location, values[topAt(location, 1)[0]]));
  }

  private execute({ at, ops }: StoredPlan, rows: number): void {
    const { run, plan } = this.buffers;
    if (this.profiling) {
      this.memory.u8.fill(0, this.profileAt, this.profileAt + ops.length * L.PROFILE_BYTES);
      this.inputs.setProfile(this.profileAt);
    }
    this.pool.use(this.threadsOf(rows));
    const result = this.functions.runPlan(at, ops.length, run, this.pool.at);
    if (result === 1) throw new EngineError('CANCELLED', 'The run was cancelled.');
    if (result !== 0) throw this.pool.lost();
    if (!this.profiling) return;
    this.inputs.setProfile(0);
    const times = new Float64Array(this.memory.u8.buffer, this.profileAt, 2 * ops.length);
    this.profiling.push(...profileOps(ops, plan, rows, this.inputs.attended(), times));
  }

  /** Starts collecting times. */
  private startProfile(): { ops: OpProfile[]; end(tokens: number): RunProfile } {
    const { clock } = this.facts;
    if (!clock) throw new EngineError('INTERNAL', 'The executor has no clock for profiling.');
    // Allocated on first use, because profiling is rare.
    const most = Math.max(this.own.main.ops.length, this.logits.ops.length);
    this.profileAt ||= this.memory.allocate(most * L.PROFILE_BYTES, 'a profile');
    const started = clock.now();
    const ops: OpProfile[] = [];
    const end = (tokens: number) => {
      const threads = this.threadsOf(tokens);
      return { tokens, threads, ms: clock.now() - started, ops: sumUp(ops) };
    };
    return { ops, end };
  }

  private threadsOf(rows: number): number {
    return rows >= MANY_ROWS ? this.pool.threads : this.fewRowsThreads;
  }
}
