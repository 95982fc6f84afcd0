/** An executor in another process, with the interface of a local one. */
import { EngineError } from '../../api/errors.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { GpuAdapterFacts } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { type Logits, PlainLogits } from '../../sampling/logits.ts';
import { TopLogits } from '../../sampling/top-logits.ts';
import {
  type Batch,
  type CellBlock,
  type Executor,
  type LogitsHandle,
  MOST_IN_FLIGHT,
  type Outputs,
  type RunResult,
} from '../executor.ts';
import type { GpuExecutorOptions } from '../gpu-access.ts';
import { HostLogits } from '../logits.ts';
import { areFloats, isRunAnswer } from './answers.ts';
import { SentContexts } from './contexts.ts';
import type { ExecutorClient } from './executor-client.ts';
import { type CreatedExecutor, ownBuffer, type RowLogits, type RunAnswer, type RunParams } from './messages.ts';

/**
 * Creates the executor in the other process, which reads the weights through `reader`, in slices.
 * @throws EngineError as `createWebGpuExecutor`, and BACKEND_LOST when its process ends
 */
export async function createRemoteExecutor(
  client: ExecutorClient,
  program: Program,
  reader: WeightReader,
  { cells, kvCacheType, ...progress }: GpuExecutorOptions,
): Promise<Executor> {
  const types = program.weights.map((weight) => reader.typeOf(weight).name);
  const created = await client.offering({ program, reader, ...progress }, () =>
    client.call('create', { program, types, cells, kvCacheType }, { cancel: progress.cancel }),
  );
  return new RemoteExecutor(client, program, created);
}

class RemoteExecutor implements Executor {
  readonly name = 'webgpu';
  readonly kernels = null;
  readonly cellAccess = null;
  computedTokens = 0;
  private lost = false;
  private disposed = false;
  private block: RemoteBlock | null = null;
  private readonly contexts = new SentContexts();
  private inFlight = 0;

  constructor(
    private readonly client: ExecutorClient,
    private readonly program: Program,
    private readonly created: CreatedExecutor,
  ) {}

  get adapter(): GpuAdapterFacts {
    return this.created.adapter;
  }

  get choosesTokens(): boolean {
    return this.created.choosesTokens;
  }

  get failed(): boolean {
    return (this.lost || this.client.isLost) && !this.disposed;
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { memoryBytes } = this.created;
    return { ...memoryBytes, kvCache: memoryBytes.kvCache + (this.block?.bytes ?? 0) };
  }

  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (batch.block && batch.block !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    this.computedTokens += batch.tokens.length;
    if (cancel?.cancelled) throw new EngineError('CANCELLED', 'The run was cancelled.');
    if (this.inFlight === MOST_IN_FLIGHT)
      throw new EngineError('INTERNAL', `More than ${MOST_IN_FLIGHT} runs were started at once.`);
    const { vocabularySize } = outputs.program ?? this.program;
    this.inFlight++;
    try {
      const { run, logits, taps, profile } = await this.explaining(() => {
        const params = this.runParams(batch, outputs);
        const isPossible = (answer: RunAnswer) => isRunAnswer(answer, params, vocabularySize);
        return this.client.call('run', params, { cancel, isPossible });
      });
      const handles = logits.map((row, i) => this.handle(row, run, i, vocabularySize));
      return { logits: handles, taps, ...(profile && { profile }) };
    } finally {
      this.inFlight--;
    }
  }

  async allocateCells(cells: number, wanted?: ReadonlySet<number>): Promise<CellBlock> {
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const layers = wanted ? [...wanted] : null;
    const { bytes } = await this.explaining(() => this.client.call('allocateCells', { cells, layers }));
    this.block = new RemoteBlock(this.client, cells, bytes, () => (this.block = null));
    return this.block;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.block = null;
    this.client.close();
    return Promise.resolve();
  }

  private runParams(batch: Batch, outputs: Outputs): RunParams {
    const { logits, lend = false, bestFirst = false, choose = null, profile = false, taps = [], program } = outputs;
    return {
      tokens: ownBuffer(batch.tokens),
      positions: ownBuffer(batch.positions),
      cells: ownBuffer(batch.cells),
      sequences: ownBuffer(batch.sequences),
      contexts: this.contexts.changes(batch.contexts),
      inBlock: batch.block !== undefined,
      isChosen: batch.isChosen ?? false,
      ...{ logits, choose, profile, taps },
      bestFirst: lend && bestFirst,
      program: program === undefined || program === this.program ? null : program,
      given: outputs.given ?? new Map<string, Float32Array>(),
    };
  }

  private handle(row: RowLogits, run: number, index: number, size: number): LogitsHandle {
    if ('values' in row) return new HostLogits(row.values);
    const isPossible = (values: Float32Array) => areFloats(values, size);
    const readAll = async () =>
      new PlainLogits(await this.explaining(() => this.client.call('allLogits', { run, row: index }, { isPossible })));
    return new BestLogits(new TopLogits(size, row.ids, row.logits, row.sum, readAll), row.chosen);
  }

  private async explaining<T>(work: () => Promise<T>): Promise<T> {
    if (this.disposed) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    try {
      return await work();
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'BACKEND_LOST') this.lost = true;
      throw error;
    }
  }
}

class RemoteBlock implements CellBlock {
  constructor(
    private readonly client: ExecutorClient,
    readonly cells: number,
    readonly bytes: number,
    private readonly onRelease: () => void,
  ) {}

  // Calls are answered in order. If one fails, so do the runs after it.
  copy(cells: Int32Array): void {
    void this.client.call('copyCells', { cells: ownBuffer(cells) }).catch(() => undefined);
  }

  release(): void {
    void this.client.call('releaseCells', null).catch(() => undefined);
    this.onRelease();
  }
}

class BestLogits implements LogitsHandle {
  readonly chosen?: number;

  constructor(
    private readonly best: TopLogits,
    chosen: number | null,
  ) {
    if (chosen !== null) this.chosen = chosen;
  }

  async read(): Promise<Float32Array> {
    return (await this.best.all()).values;
  }

  lend(): Promise<Logits> {
    return Promise.resolve(this.best);
  }
}
