import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { KvCacheType } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { checkBatch, checkCausal, checkOrder, isCausal } from '../batch.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { fuse } from '../fusion.ts';
import { HostLogits } from '../logits.ts';
import { GpuCellBlock } from './cell-block.ts';
import { CompiledPlan, logitsBytes, readBack } from './compiled-plan.ts';
import { checked, type OpenedDevice } from './device.ts';
import { group, type GroupedOps, joinedTensors } from './grouping.ts';
import { gpuKvType, kvLayouts } from './kv-storage.ts';
import { Pipelines, type PlanBuffers } from './plan.ts';
import { runBytes, runFormat } from './run-inputs.ts';
import { LOGIT_ROWS, strideOf } from './shader.ts';
import { allocateActivations, allocateKv, BufferSet, contextBytes } from './storage.ts';
import { GpuTailoredPlan } from './tailored-plan.ts';
import { areJoined, mayJoin, uploadWeights, weightBytesOf } from './weights.ts';

export interface WebGpuExecutorOptions {
  /** Owned by the executor, which destroys it. */
  readonly device: OpenedDevice;
  /** Cells of K and V storage: tokens of all sequences together. */
  readonly cells: number;
  /** Storage type of K and V; by default as exact as the weights. */
  readonly kvCacheType?: KvCacheType | undefined;
  /** Called with the bytes of each slice of weights read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Checked while weights are read. */
  readonly cancel?: CancelToken | undefined;
}

/** Maximum rows per slice. */
const MAX_ROWS = 256;

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
  const { device } = options.device;
  const { cells, kvCacheType = defaultKvType(program, reader) } = options;
  const type = gpuKvType(kvCacheType);
  try {
    return await checked(device, `the model with a context of ${cells} tokens`, async () => {
      const fused = fuse(program);
      const wanted = group(program, fused, new Set(), (views) => mayJoin(device, program, reader, views));
      const weights = await uploadWeights(device, program, reader, joinedTensors(wanted), options);
      const grouped = group(program, fused, new Set(), (views) => areJoined(weights, views));
      const rows = Math.min(cells, MAX_ROWS);
      const kv = kvLayouts(program, type);
      const [cache, scratch] = [new BufferSet(device), new BufferSet(device)];
      const format = runFormat(program);
      const buffers: PlanBuffers = {
        ...{ format, weights, kv },
        ...allocateKv(cache, kv, cells),
        run: scratch.storage('run', runBytes(format, rows)),
        contexts: scratch.storage('contexts', contextBytes(cells)),
        activations: allocateActivations(scratch, grouped, rows),
        logits: scratch.storage('logits', logitsBytes(program)),
      };
      const pipelines = Pipelines.of(device);
      const plan = await CompiledPlan.compile(device, pipelines, grouped, buffers);
      const readback = scratch.readback('logits', logitsBytes(program));
      const bytes = { weights: weightBytesOf(program, reader), kvCache: cache.bytes, scratch: scratch.bytes };
      return new WebGpuExecutor({ device, program, grouped, plan, pipelines, readback, cells, rows, bytes });
    });
  } catch (error) {
    // Frees all its memory.
    device.destroy();
    throw error;
  }
}

/** As exact as the weights: float32 if all matrices are, else binary16. */
function defaultKvType(program: Program, reader: Pick<WeightReader, 'typeOf'>): KvCacheType {
  const matrices = program.weights.filter(({ shape }) => shape.length > 1);
  return matrices.every((weight) => reader.typeOf(weight).name === 'F32') ? 'f32' : 'f16';
}

interface Parts {
  readonly device: GpuDevice;
  readonly program: Program;
  readonly grouped: GroupedOps;
  readonly plan: CompiledPlan;
  readonly pipelines: Pipelines;
  /** For logits. */
  readonly readback: GpuBuffer;
  readonly cells: number;
  /** Maximum rows of a slice. */
  readonly rows: number;
  readonly bytes: Executor['memoryBytes'];
}

class WebGpuExecutor implements Executor {
  readonly name = 'webgpu';
  readonly kernels = null;
  readonly cellAccess = null;
  computedTokens = 0;
  private lost: string | null = null;
  private disposed = false;
  private block: GpuCellBlock | null = null;
  private readonly causal: boolean;

  constructor(private readonly parts: Parts) {
    this.causal = isCausal(parts.program);
    void parts.device.lost.then(({ message }) => (this.lost = message));
  }

  get failed(): boolean {
    return this.lost !== null && !this.disposed;
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { bytes } = this.parts;
    return { ...bytes, kvCache: bytes.kvCache + (this.block?.bytes ?? 0) };
  }

  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    if (this.lost !== null) throw deviceLost(this.lost);
    const { program: own, device, pipelines, rows: slice } = this.parts;
    if (batch.block && batch.block !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    const program = outputs.program ?? own;
    const rows = batch.tokens.length;
    checkBatch(program, batch.block?.cells ?? this.parts.cells, batch, outputs);
    checkOrder(batch, slice);
    const causal = program === own ? this.causal : checkCausal(program, rows, slice);
    this.computedTokens += rows;
    const plan = this.block && batch.block ? await this.block.plan() : this.parts.plan;
    const isTailored = program !== own || (outputs.taps?.length ?? 0) > 0;
    const tailored = isTailored
      ? await checked(device, 'the tensors of this run', () =>
          GpuTailoredPlan.compile(device, pipelines, plan.buffers, program, outputs, batch, Math.min(rows, slice)),
        )
      : null;
    try {
      return await this.runSlices(tailored?.plan ?? plan, tailored, program, batch, outputs, causal, cancel);
    } catch (error) {
      throw await this.explained(error);
    } finally {
      tailored?.destroy();
    }
  }

  allocateCells(cells: number): CellBlock {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const { device, plan, pipelines, grouped, cells: own } = this.parts;
    const compile = (buffers: PlanBuffers) => CompiledPlan.compile(device, pipelines, grouped, buffers);
    this.block = new GpuCellBlock(device, plan.buffers, compile, { cells, own }, () => (this.block = null));
    return this.block;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.block = null;
    this.parts.device.destroy();
    return Promise.resolve();
  }

  private async runSlices(
    plan: CompiledPlan,
    tailored: GpuTailoredPlan | null,
    program: Program,
    batch: Batch,
    outputs: Outputs,
    causal: boolean,
    cancel: CancelToken | undefined,
  ): Promise<RunResult> {
    const { device, rows: slice } = this.parts;
    const logits = new Map<number, LogitsHandle>();
    const asked = [...new Set(outputs.logits)];
    for (let from = 0, to = 0; from < batch.tokens.length; from = to) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'The run was cancelled.');
      to = from + plan.inputs.fitting(batch, from, slice);
      const first = from;
      const inSlice = asked.filter((row) => row >= first && row < to);
      const group = inSlice.slice(0, LOGIT_ROWS);
      plan.inputs.write(batch, from, to, causal, indices(group, from));
      tailored?.writeGiven(from, to);
      const encoder = device.createCommandEncoder();
      plan.encodeMain(encoder, to - from, tailored?.copies(to - from));
      if (group.length > 0)
        plan.encodeLogits(encoder, group.length, this.parts.readback, logitsBytes(program, group.length));
      device.queue.submit([encoder.finish()]);
      await this.collectLogits(group, program, logits);
      for (let at = LOGIT_ROWS; at < inSlice.length; at += LOGIT_ROWS) {
        await this.runLogits(plan, inSlice.slice(at, at + LOGIT_ROWS), from, to, program, logits);
      }
      await tailored?.collect(from, to);
      // Work that nobody waits for would pile up, and could not be cancelled.
      if (inSlice.length === 0) await device.queue.onSubmittedWorkDone();
      if (this.lost !== null) throw deviceLost(this.lost);
    }
    return {
      logits: outputs.logits.map((row) => logits.get(row)!),
      taps: tailored?.tensors ?? new Map<string, TapTensor>(),
    };
  }

  private async runLogits(
    plan: CompiledPlan,
    group: readonly number[],
    from: number,
    to: number,
    program: Program,
    logits: Map<number, LogitsHandle>,
  ): Promise<void> {
    const { device, readback } = this.parts;
    plan.inputs.writeLogitRows(to - from, indices(group, from));
    const encoder = device.createCommandEncoder();
    plan.encodeLogits(encoder, group.length, readback, logitsBytes(program, group.length));
    device.queue.submit([encoder.finish()]);
    await this.collectLogits(group, program, logits);
  }

  private async collectLogits(
    group: readonly number[],
    program: Program,
    logits: Map<number, LogitsHandle>,
  ): Promise<void> {
    if (group.length === 0) return;
    const size = program.vocabularySize;
    const values = await readBack(this.parts.readback, logitsBytes(program, group.length));
    group.forEach((row, i) => {
      const at = i * strideOf(size);
      logits.set(row, new HostLogits(values.slice(at, at + size)));
    });
  }

  /** WebGPU only says that buffers can no longer be mapped when the device was lost or destroyed. */
  private async explained(error: unknown): Promise<unknown> {
    if (!(error instanceof Error && error.name === 'AbortError')) return error;
    const { message } = await this.parts.device.lost;
    if (this.disposed)
      return new EngineError('NO_MODEL', 'The model was unloaded. Load it again.', {}, { cause: error });
    return deviceLost(message, error);
  }
}

function indices(rows: readonly number[], from: number): number[] {
  return rows.map((row) => row - from);
}

function deviceLost(message: string, cause?: unknown): EngineError {
  return new EngineError(
    'BACKEND_LOST',
    `The GPU was lost: ${message || 'no reason given'}. Load the model again.`,
    {},
    { cause },
  );
}
