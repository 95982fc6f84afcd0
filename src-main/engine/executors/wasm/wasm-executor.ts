import { EngineError } from '../../api/errors.ts';
import type { CancelToken, Clock, CompiledKernels, KernelThreads, Measurements } from '../../api/platform.ts';
import type { KernelsInfo, KvCacheType, RunProfile } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { logitsNotNumbers } from '../../sampling/raw-distribution.ts';
import { checkBatch, checkCausal, checkOrder, isCausal } from '../batch.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { defaultKvCacheType } from '../kv-cache-type.ts';
import { HostLogits } from '../logits.ts';
import { chooseKernels, type DotChoice } from './kernel-choice.ts';
import { fuse, type FusedOp } from '../fusion.ts';
import { KernelMemory } from './kernel-memory.ts';
import { bytesOf, checkFits, layOut, sumOf, type WasmMemory } from './memory-estimate.ts';
import { instantiateKernels } from './kernels.ts';
import { type CellStorage, WasmCellBlock } from './cell-block.ts';
import { WasmCellAccess } from './wasm-cell-access.ts';
import { LentLogits, logSumAt, type LogitsLocation, topAt } from './lent-logits.ts';
import { DecodeChoice } from './decoding.ts';
import { measureOnce } from './measure-once.ts';
import { sumUp } from './op-profile.ts';
import { copyAcross, execute, type KernelPart, PlanTimes, type StoredStage, storeStages } from './parts.ts';
import { layersIn, type Placement } from './placement.ts';
import * as L from './plan-layout.ts';
import { firstOps, largestMatrix, logitSumsStride, NO_TAPS, strideOf } from './plan.ts';
import { STREAM_COUNTS, type StreamCount, runBytes, RunInputs, type RunSettings } from './run-inputs.ts';
import { allocateBuffers, type BufferSizes, bufferSizes } from './buffers.ts';
import { lowerStages, type MemoryStage, stagesOf } from './stages.ts';
import { TailoredPlan } from './tailored-plan.ts';
import { threadsFor } from './thread-choice.ts';
import { ThreadPool } from './thread-pool.ts';
import type { DotKind, DotTraits } from './weight-layouts.ts';
import { packWeights, placeWeights, weightsInMemory } from './weights.ts';

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
  /** Bytes per WebAssembly memory; a larger model is divided. By default most of what one can address. */
  readonly memoryLimit?: number | undefined;
  /** Bytes of memory that this computer has; a model that needs more is refused. */
  readonly memoryOfComputer?: number | undefined;
  /** Called with the bytes of each slice of weights read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Checked while weights are read, threads start and tokens are timed. */
  readonly cancel?: CancelToken | undefined;
}

/** Bytes of weights that are read to time a token of a large model: more than most caches hold. */
const TIMED_BYTES = 128 * 2 ** 20;

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
  const memories = [new KernelMemory(options.kernels.shared)];
  const cancel: { current: CancelToken | undefined } = { current: undefined };
  const started: { pool: ThreadPool | null } = { pool: null };
  const instantiate = (module: WebAssembly.Module, part: number) =>
    instantiateKernels(module, memories[part].memory, {
      cancelled: () => cancel.current?.cancelled ?? false,
      begin: (called) => started.pool?.call(part, called),
      clock: options.clock,
    });
  const once = measureOnce(options.kernels, options.measurements);
  const inFirst = (module: WebAssembly.Module) => instantiate(module, 0);
  const chosen = await chooseKernels(options.kernels, inFirst, memories[0], options.clock, once);
  const dot = options.sums ? { ...chosen.dot, sums: options.sums, reason: 'as requested' } : chosen.dot;
  const layout = layOut(program, weights, size, threads, dot.codes, options.memoryLimit);
  const placement = checkFits(layout, options.cells, options.memoryOfComputer ?? Infinity);
  const total = bytesOf(sumOf(layout.memories));
  layout.memories.forEach((bytes, part) => {
    const memory = (memories[part] ??= new KernelMemory(options.kernels.shared));
    memory.ensure(bytesOf(bytes), `the model with a context of ${options.cells} tokens`, total);
  });
  const { module, kernels, variant } = chosen;
  const instances = memories.map((memory, part) => {
    return { memory, kernels: part === 0 ? kernels : instantiate(module, part) };
  });
  const { packed, located } = placeWeights(program, weights, memories, placement, dot);
  const fused = fuse(program);
  const buffers = memories.map((memory, part) => {
    return allocateBuffers(program, fused, packed[part], layersIn(placement, part), memory, size);
  });
  // Most runs need no more than this, so memory rarely grows after the threads have started.
  const forRun = buffers.map((each) => runBytes(each, options.cells, threads));
  memories.forEach((memory, part) => memory.reserve(forRun[part], `a context of ${options.cells} tokens`));
  const shared = { module, shared: options.kernels.shared };
  const pool = await ThreadPool.start(shared, instances, host, threads, options.cancel);
  started.pool = pool;
  const settings: RunSettings = { streams: STREAM_COUNTS[0], causal: isCausal(program) };
  const parts = instances.map((instance, part) => {
    const inputs = new RunInputs(instance.memory, buffers[part], pool.threads, settings);
    return { ...instance, buffers: buffers[part], inputs };
  });
  try {
    await packWeights(located, weights, instances, pool, options);
    const executor = new WasmExecutor(program, fused, parts, placement, settings, pool, cancel, {
      variant,
      revision: options.kernels.hash ?? null,
      dot,
      weights: weightsInMemory(program, weights, dot),
      forRun: forRun.reduce((sum, bytes) => sum + bytes, 0),
      clock: options.clock,
    });
    await executor.decoding.chooseStreams(options.streams ?? options.clock, once, options.cancel);
    if (typeof count !== 'number') await executor.decoding.measureThreads(count, once, options.cancel);
    return executor;
  } catch (error) {
    // Threads that are not stopped would wait forever and hold the shared memory.
    await pool.stop();
    throw error;
  }
}

/**
 * Memory that the executor would need, before it is created.
 * @param available threads that this computer runs at once
 * @param codes how it treats 8-bit codes: see `dotKindOf`
 */
export function wasmMemoryOf(
  program: Program,
  weights: Pick<WeightReader, 'typeOf'>,
  cells: number,
  available: number,
  codes: DotKind,
  kvCacheType = defaultKvCacheType(program, weights),
): WasmMemory {
  return sumOf(layOut(program, weights, bufferSizes(cells, kvCacheType), threadsFor(available), codes).memories);
}

interface ExecutorFacts extends Pick<KernelsInfo, 'variant' | 'revision' | 'weights'> {
  readonly dot: DotChoice;
  readonly forRun: number;
  readonly clock: Clock | undefined;
}

class WasmExecutor implements Executor {
  readonly name = 'wasm';
  readonly cellAccess: WasmCellAccess;
  private readonly stages: readonly MemoryStage[];
  private readonly own: CellStorage;
  private readonly logits: StoredStage;
  private readonly scratchBytes: number;
  private block: WasmCellBlock | null = null;
  /** Size of the largest block so far; the kernel memory keeps it after its release. */
  private blockBytes = 0;
  private disposed = false;
  /** Lent logits are valid while it stays the same. */
  computedTokens = 0;
  /** Times of the current run; null without profiling. */
  private profile: PlanTimes | null = null;
  /** Addresses for the times of a plan, by memory. */
  private profileAt: readonly number[] | null = null;
  readonly decoding: DecodeChoice;
  /** The first operations of a token, if they are timed instead of all. */
  private readonly timed: StoredStage | null;

  constructor(
    private readonly program: Program,
    fused: readonly FusedOp[],
    private readonly parts: readonly KernelPart[],
    private readonly placement: Placement,
    private readonly settings: RunSettings,
    private readonly pool: ThreadPool,
    private readonly cancel: { current: CancelToken | undefined },
    private readonly facts: ExecutorFacts,
  ) {
    this.cellAccess = new WasmCellAccess(program, parts, placement);
    this.stages = stagesOf(fused, placement);
    const plans = parts.map(({ buffers }) => buffers.plan);
    const { main, logits } = lowerStages(program, this.stages, plans, NO_TAPS);
    if (logits === null) throw new EngineError('INTERNAL', 'The program does not end with its logits.');
    this.own = { cells: this.size.cells, plans, main: storeStages(main, parts) };
    [this.logits] = storeStages([logits], parts);
    // With few rows, a thread takes a large part of a matrix as one chunk.
    pool.expect(largestMatrix([...main, logits].flatMap(({ ops }) => ops)) / pool.threads);
    const { weights, kvCache } = this.storedBytes;
    const allocated = parts.reduce((sum, { memory }) => sum + memory.allocated, 0);
    this.scratchBytes = allocated - weights - kvCache + facts.forRun;
    const operations = main.reduce((sum, { ops }) => sum + ops.length, 0);
    const { threads } = pool;
    const { isFloat32 } = this;
    const runToken = (token?: CancelToken) => this.runToken(token);
    const [{ part, plan }] = this.own.main;
    const first = firstOps(plan.ops, TIMED_BYTES);
    const share = first.bytes >= TIMED_BYTES && first.bytes < weights / 2 ? first.bytes / weights : 1;
    this.timed = share < 1 ? { part, crossings: [], plan: { at: plan.at, ops: first.ops } } : null;
    const decoder = { threads, operations, weightBytes: weights, isFloat32, share, runToken };
    this.decoding = new DecodeChoice(decoder, settings);
  }

  private get isFloat32(): boolean {
    return this.facts.weights.every(({ memoryType }) => memoryType === 'F32');
  }

  private get size(): BufferSizes {
    return this.parts[0].buffers.size;
  }

  private get storedBytes(): Pick<WasmMemory, 'weights' | 'kvCache'> {
    return sumOf(this.parts.map(({ buffers }) => ({ ...buffers.bytes, scratch: 0 })));
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { weights, kvCache } = this.storedBytes;
    const inBlock = this.block?.bytes ?? 0;
    return { weights, kvCache: kvCache + inBlock, scratch: this.scratchBytes + this.blockBytes - inBlock };
  }

  get kernels(): KernelsInfo {
    const { threads } = this.pool;
    const { kvCacheType } = this.size;
    const { variant, revision, dot, weights } = this.facts;
    const sums = { bits: dot.sums === 'i16' ? 16 : 32, reason: dot.reason } as const;
    const { threads: decodeThreads, whyThreads: reason, whyStreams } = this.decoding;
    const streams = { count: this.isFloat32 ? 4 : this.settings.streams, reason: whyStreams };
    return { variant, revision, sums, streams, weights, threads, decodeThreads, reason, kvCacheType };
  }

  // Async so that errors arrive as rejections, though the work is synchronous.
  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    const result = this.compute(batch, outputs, cancel);
    if (this.parts.some(({ inputs }) => inputs.hadNaN)) throw logitsNotNumbers();
    return result;
  }

  private compute(batch: Batch, outputs: Outputs, cancel?: CancelToken): RunResult {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    const program = outputs.program ?? this.program;
    const storage = batch.block ? this.blockOf(batch.block, program) : this.own;
    checkBatch(program, storage.cells, batch, outputs);
    const { size } = this;
    const rows = batch.tokens.length;
    checkOrder(batch, size.rows);
    const isTailored = program !== this.program || outputs.taps?.length;
    const { ropeTables, causal } = this.parts[0].buffers;
    const tailored = isTailored ? new TailoredPlan(program, outputs, batch, ropeTables, this.placement) : null;
    this.settings.causal = program === this.program ? causal : checkCausal(program, rows, size.rows);
    const logits = new Map<number, LogitsHandle>();
    const asked = outputs.logits.length > 1 ? [...new Set(outputs.logits)] : outputs.logits;
    // A single group of logits stays where it was computed.
    const lend = outputs.lend === true && rows <= size.rows && asked.length <= size.logitRows;
    this.computedTokens += rows;
    const profile = outputs.profile && !tailored ? this.startProfile() : null;
    this.profile = profile?.times ?? null;
    this.cancel.current = cancel;
    const watched = tailored || rows >= MANY_ROWS ? null : this.decoding.adaptation;
    const ended = watched?.watch(rows, () => this.pool.waits);
    for (const { inputs } of this.parts) inputs.expectNumbers();
    try {
      for (let from = 0; from < rows; from += size.rows) {
        const to = Math.min(from + size.rows, rows);
        const stage = this.runSlice(storage, batch, from, to, tailored);
        const inSlice = asked.filter((row) => row >= from && row < to);
        const keep = (row: number, location: LogitsLocation) => logits.set(row, this.handleOf(location, lend));
        if (inSlice.length > 0) this.runLogits(stage, inSlice, from, to, keep);
      }
    } finally {
      this.cancel.current = undefined;
      this.profile = null;
    }
    ended?.();
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

  private async runToken(cancel?: CancelToken): Promise<void> {
    const zero = Int32Array.of(0);
    const cells = { tokens: zero, positions: zero, cells: zero, sequences: zero };
    const batch = { ...cells, contexts: [{ cells: zero, positions: zero }] };
    // Its time counts, not its result: replies may never use a token that gives NaN.
    if (!this.timed) return void this.compute(batch, { logits: [0] }, cancel);
    this.cancel.current = cancel;
    try {
      this.parts[this.timed.part].inputs.write(batch, 0, 1, 0, this.threadsOf(1), false);
      this.execute(this.timed, 1);
    } finally {
      this.cancel.current = undefined;
    }
  }

  async allocateCells(cells: number, layers: ReadonlySet<number> | null = null): Promise<CellBlock> {
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const { program, stages, parts, placement } = this;
    const block = new WasmCellBlock(program, stages, parts, placement, cells, layers, () => (this.block = null));
    this.blockBytes = Math.max(this.blockBytes, block.bytes);
    this.block = block;
    return block;
  }

  private blockOf(wanted: CellBlock, program: Program): CellStorage {
    if (this.block === null || wanted !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    this.block.check(program);
    return this.block;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return this.pool.stop();
  }

  /** @returns the stage for the slice's logits; null if the program has none */
  private runSlice(
    storage: CellStorage,
    batch: Batch,
    from: number,
    to: number,
    tailored: TailoredPlan | null,
  ): StoredStage | null {
    const { parts } = this;
    const rows = to - from;
    const threads = this.threadsOf(rows);
    const free = parts.map(({ inputs }, part) => {
      return inputs.write(batch, from, to, tailored?.bytes(part, rows) ?? 0, threads, tailored !== null);
    });
    const { main, logits } = tailored?.writePlans(parts, storage.plans, [from, to], free) ?? {
      main: storage.main,
      logits: this.logits,
    };
    for (const stage of main) {
      copyAcross(stage, parts, rows);
      this.execute(stage, rows);
    }
    tailored?.collect(parts, from, to);
    return logits;
  }

  /**
   * @param rows of the whole batch, in the slice `from` to `to`
   * @param keep receives each before the next are computed
   */
  private runLogits(
    stage: StoredStage | null,
    rows: readonly number[],
    from: number,
    to: number,
    keep: (row: number, location: LogitsLocation) => void,
  ): void {
    if (stage === null) throw new EngineError('INTERNAL', 'The program has no logits.');
    const { memory, kernels, buffers, inputs } = this.parts[stage.part];
    const count = this.program.vocabularySize;
    const { logits, logitSums, logitWeights: weights } = buffers.plan;
    copyAcross(stage, this.parts, to - from);
    for (let i = 0; i < rows.length; i += this.size.logitRows) {
      const group = rows.slice(i, i + this.size.logitRows);
      inputs.setLogitRows(group.map((row) => row - from));
      this.execute(stage, group.length);
      group.forEach((row, index) => {
        const at = logits + index * strideOf(count);
        keep(row, { kernels, memory, at, sums: logitSums + index * logitSumsStride(count), weights, count });
      });
    }
  }

  private handleOf(location: LogitsLocation, lend: boolean): LogitsHandle {
    const { computedTokens } = this;
    if (lend) return new LentLogits(location, () => this.computedTokens === computedTokens);
    const { memory, at, count } = location;
    const values = memory.f32.slice(at / 4, at / 4 + count);
    // Computed by the same kernel as for lent logits, so that a token's probability does not depend on lending.
    return new HostLogits(values, logSumAt(location, values[topAt(location, 1)[0]]));
  }

  private execute(stage: StoredStage, rows: number): void {
    const part = this.parts[stage.part];
    const run = () => {
      execute(part.kernels, stage.plan, part.buffers.run, stage.part, this.pool, this.threadsOf(rows));
    };
    if (this.profile) this.profile.around(stage, part, rows, run);
    else run();
  }

  /** Starts collecting times. */
  private startProfile(): { times: PlanTimes; end(tokens: number): RunProfile } {
    const { clock } = this.facts;
    if (!clock) throw new EngineError('INTERNAL', 'The executor has no clock for profiling.');
    // Allocated on first use, because profiling is rare.
    this.profileAt ??= this.parts.map(({ memory }, part) => {
      const lengths = [...this.own.main, this.logits].filter((stage) => stage.part === part);
      const most = Math.max(0, ...lengths.map(({ plan }) => plan.ops.length));
      return memory.allocate(most * L.PROFILE_BYTES, 'a profile');
    });
    const started = clock.now();
    const times = new PlanTimes(this.profileAt);
    const end = (tokens: number) => {
      const threads = this.threadsOf(tokens);
      return { tokens, threads, ms: clock.now() - started, ops: sumUp(times.ops) };
    };
    return { times, end };
  }

  private threadsOf(rows: number): number {
    const { adaptation, threads } = this.decoding;
    return rows >= MANY_ROWS ? this.pool.threads : (adaptation?.threads ?? threads);
  }
}
