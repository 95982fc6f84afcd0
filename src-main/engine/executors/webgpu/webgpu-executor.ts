import { EngineError } from '../../api/errors.ts';
import type { GpuCommandEncoder, GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { GpuAdapterFacts } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { checkBatch, checkCausal, checkOrder, isCausal } from '../batch.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { bytesText } from '../bytes-text.ts';
import { sumUp } from '../wasm/op-profile.ts';
import { GpuCellBlock } from './cell-block.ts';
import { CompiledPlan } from './compiled-plan.ts';
import { adapterFacts, checked, type OpenedDevice } from './device.ts';
import { DeviceWatch, HANG_MS } from './device-watch.ts';
import { DispatchTimes } from './dispatch-times.ts';
import type { GroupedOps } from './grouping.ts';
import { LogitsReadback } from './logits-readback.ts';
import { allocateModel, type BufferOptions, webGpuMemoryOf } from './model-buffers.ts';
import { Pipelines } from './pipelines.ts';
import type { PlanBuffers } from './plan.ts';
import { LOGIT_ROWS } from './shader.ts';
import { BufferSet, largestBuffer } from './storage.ts';
import { GpuTailoredPlan } from './tailored-plan.ts';
import { uploadWeights } from './weights.ts';

export interface WebGpuExecutorOptions extends BufferOptions {
  /** Owned by the executor, which destroys it. */
  readonly device: OpenedDevice;
  /** Time limit of a slice, after which the GPU counts as lost: `HANG_MS` by default, none for a software renderer. */
  readonly hangMs?: number | undefined;
  /** Called with the bytes of each slice of weights read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Called when the weights are uploaded and shaders are compiled. */
  readonly onCompile?: (() => void) | undefined;
  /** Checked while the executor is created. */
  readonly cancel?: CancelToken | undefined;
}

/**
 * The executor on the GPU: the program becomes a static list of dispatches, and a run writes only its tokens, positions
 * and cells. A token gives the same bits however a prompt is split into batches.
 *
 * @throws EngineError OUT_OF_MEMORY, CANCELLED, BACKEND_LOST, and the errors of reading weights
 */
export async function createWebGpuExecutor(
  program: Program,
  reader: WeightReader,
  options: WebGpuExecutorOptions,
): Promise<Executor> {
  const { device, adapter: info } = options.device;
  const { cells, cancel } = options;
  const adapter = { ...adapterFacts(info), largestBuffer: largestBuffer(device) };
  const watch = new DeviceWatch(device, options.hangMs ?? (adapter.isSoftware ? null : HANG_MS));
  const created = <T>(what: string, create: () => Promise<T>) => checked(watch, what, create, cancel);
  try {
    const { weights, kvCache, scratch } = webGpuMemoryOf(program, reader, options);
    const needed = bytesText(weights + kvCache + scratch);
    const what = `the model with a context of ${cells} tokens, which needs ${needed}`;
    // Before weights are read, which takes long.
    const model = await created(what, async () => allocateModel(device, program, reader, options));
    const { plan: buffers, grouped, rows, bytes, forLogits, forBest } = model;
    return await created(what, async () => {
      await uploadWeights(watch, program, reader, buffers.weights, options);
      options.onCompile?.();
      const pipelines = await watch.during(() => Pipelines.of(options.device), cancel);
      const plan = await CompiledPlan.compile(device, pipelines.for({ watch, cancel }), grouped, buffers);
      const readback = new LogitsReadback(watch, forLogits, forBest, program.vocabularySize);
      const parts = { device, watch, adapter, program, grouped, plan, pipelines, readback, cells, rows, bytes };
      return new WebGpuExecutor(parts);
    });
  } catch (error) {
    // Frees all its memory.
    device.destroy();
    throw error;
  }
}

interface Parts {
  readonly device: GpuDevice;
  readonly watch: DeviceWatch;
  readonly adapter: GpuAdapterFacts;
  readonly program: Program;
  readonly grouped: GroupedOps;
  readonly plan: CompiledPlan;
  readonly pipelines: Pipelines;
  readonly readback: LogitsReadback;
  readonly cells: number;
  /** Maximum rows of a slice. */
  readonly rows: number;
  readonly bytes: Executor['memoryBytes'];
}

/** A run, and the plan for it. */
interface PlannedRun {
  readonly plan: CompiledPlan;
  /** Null if it is the executor's own plan, or a block's. */
  readonly tailored: GpuTailoredPlan | null;
  readonly batch: Batch;
  readonly outputs: Outputs;
  readonly causal: boolean;
  /** Null if they are not measured. */
  readonly times: DispatchTimes | null;
}

class WebGpuExecutor implements Executor {
  readonly name = 'webgpu';
  readonly kernels = null;
  readonly cellAccess = null;
  computedTokens = 0;
  private disposed = false;
  private block: GpuCellBlock | null = null;
  private readonly causal: boolean;

  constructor(private readonly parts: Parts) {
    this.causal = isCausal(parts.program);
  }

  get adapter(): GpuAdapterFacts {
    return this.parts.adapter;
  }

  get choosesTokens(): boolean {
    return this.parts.plan.buffers.topLogits !== null;
  }

  get failed(): boolean {
    return this.parts.watch.reason !== null && !this.disposed;
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { bytes } = this.parts;
    return { ...bytes, kvCache: bytes.kvCache + (this.block?.bytes ?? 0) };
  }

  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    this.parts.watch.check();
    const { program: own, device, rows: slice } = this.parts;
    if (batch.block && batch.block !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    const program = outputs.program ?? own;
    const rows = batch.tokens.length;
    checkBatch(program, batch.block?.cells ?? this.parts.cells, batch, outputs);
    checkOrder(batch, slice);
    const causal = program === own ? this.causal : checkCausal(program, rows, slice);
    this.computedTokens += rows;
    const block = batch.block ? this.block : null;
    const isTailored = program !== own || (outputs.taps?.length ?? 0) > 0;
    const tailored = isTailored ? await this.tailored(block, program, outputs, batch, cancel) : null;
    const plan = tailored?.plan ?? (block ? await block.plan() : this.parts.plan);
    const times = outputs.profile && !tailored ? new DispatchTimes(device) : null;
    try {
      return await this.runSlices({ plan, tailored, batch, outputs, causal, times }, cancel);
    } finally {
      tailored?.destroy();
      times?.destroy();
    }
  }

  async allocateCells(cells: number, layers?: ReadonlySet<number>): Promise<CellBlock> {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const { device, watch, plan, pipelines, grouped } = this.parts;
    const compile = (buffers: PlanBuffers) => CompiledPlan.compile(device, pipelines.for({ watch }), grouped, buffers);
    const what = `K and V of ${cells} more tokens`;
    const blocks: GpuCellBlock[] = [];
    try {
      return await checked(watch, what, async () => {
        const block = new GpuCellBlock(device, plan.buffers, compile, { cells, layers }, () => (this.block = null));
        blocks.push(block);
        this.block = block;
        return block;
      });
    } catch (error) {
      for (const block of blocks) block.release();
      throw error;
    }
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.block = null;
    this.parts.device.destroy();
    return Promise.resolve();
  }

  private async tailored(
    block: GpuCellBlock | null,
    program: Program,
    outputs: Outputs,
    batch: Batch,
    cancel: CancelToken | undefined,
  ): Promise<GpuTailoredPlan> {
    const { device, watch, plan, rows } = this.parts;
    const buffers = new BufferSet(device);
    const pipelines = this.parts.pipelines.for({ watch, cancel, buffers });
    const slice = Math.min(batch.tokens.length, rows);
    const compile = async () => {
      const { buffers: shared } = block ?? plan;
      return GpuTailoredPlan.compile(device, buffers, pipelines, shared, program, outputs, batch, slice);
    };
    try {
      return await checked(watch, 'the tensors of this run', compile, cancel);
    } catch (error) {
      buffers.destroy();
      throw error;
    }
  }

  private async runSlices(run: PlannedRun, cancel: CancelToken | undefined): Promise<RunResult> {
    const { plan, tailored, batch, outputs, times } = run;
    const logits = new Map<number, LogitsHandle>();
    for (let from = 0, to = 0; from < batch.tokens.length; from = to) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'The run was cancelled.');
      to = from + plan.inputs.fitting(batch, from, this.parts.rows);
      // The time limit is for one slice, because a long prompt may take longer.
      await this.explaining(() => this.runSlice(run, from, to, logits));
    }
    return {
      logits: outputs.logits.map((row) => logits.get(row)!),
      taps: tailored?.tensors ?? new Map<string, TapTensor>(),
      ...(times && {
        profile: { tokens: batch.tokens.length, threads: null, ms: times.ms, ops: sumUp(times.ops) },
      }),
    };
  }

  private async runSlice(
    { plan, tailored, batch, outputs, causal, times }: PlannedRun,
    from: number,
    to: number,
    logits: Map<number, LogitsHandle>,
  ): Promise<void> {
    const { device, watch } = this.parts;
    const inSlice = [...new Set(outputs.logits)].filter((row) => row >= from && row < to);
    const group = inSlice.slice(0, LOGIT_ROWS);
    plan.inputs.write(batch, from, to, causal, indices(group, from), outputs.choose);
    tailored?.writeGiven(from, to);
    const encoder = device.createCommandEncoder();
    if (batch.isChosen) plan.encodeChosen(encoder);
    plan.encodeMain(encoder, to - from, tailored?.copies(to - from), times);
    // All logits are read later from a buffer that has those of the last group only.
    const isLast = to === batch.tokens.length && group.length === inSlice.length;
    const bestFirst = isLast && outputs.lend === true && outputs.bestFirst === true;
    const draw = outputs.choose !== undefined && outputs.choose !== 'greedy';
    const read =
      group.length > 0 ? this.recordLogits(encoder, plan, group.length, { best: bestFirst, draw }, times) : null;
    times?.resolve(encoder);
    const [, handles = []] = await Promise.all([watch.submit(encoder.finish()), read?.()]);
    group.forEach((row, i) => logits.set(row, handles[i]));
    for (let at = LOGIT_ROWS; at < inSlice.length; at += LOGIT_ROWS) {
      await this.runLogits(plan, inSlice.slice(at, at + LOGIT_ROWS), from, to, logits);
    }
    await tailored?.collect(from, to);
    await times?.collect();
    // Otherwise submitted work would accumulate, and could not be cancelled.
    if (inSlice.length === 0) await device.queue.onSubmittedWorkDone();
    watch.check();
  }

  private async runLogits(
    plan: CompiledPlan,
    group: readonly number[],
    from: number,
    to: number,
    logits: Map<number, LogitsHandle>,
  ): Promise<void> {
    const { device, watch } = this.parts;
    plan.inputs.writeLogitRows(to - from, indices(group, from));
    const encoder = device.createCommandEncoder();
    const read = this.recordLogits(encoder, plan, group.length, { best: false });
    const [, handles] = await Promise.all([watch.submit(encoder.finish()), read()]);
    group.forEach((row, i) => logits.set(row, handles[i]));
  }

  private recordLogits(
    encoder: GpuCommandEncoder,
    plan: CompiledPlan,
    rows: number,
    selects: Parameters<LogitsReadback['record']>[3],
    times: DispatchTimes | null = null,
  ): () => Promise<LogitsHandle[]> {
    const { computedTokens } = this;
    const isCurrent = () => this.computedTokens === computedTokens;
    return this.parts.readback.record(encoder, plan, rows, selects, isCurrent, (read) => this.explaining(read), times);
  }

  private async explaining<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.parts.watch.during(work);
    } catch (error) {
      if (!this.disposed || EngineError.from(error).code !== 'BACKEND_LOST') throw error;
      throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.', {}, { cause: error });
    }
  }
}

function indices(rows: readonly number[], from: number): number[] {
  return rows.map((row) => row - from);
}
