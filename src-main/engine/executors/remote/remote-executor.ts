/** An executor in another process, with the interface of a local one. */
import { EngineError } from '../../api/errors.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { GpuAdapterFacts } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { type Logits, PlainLogits } from '../../sampling/logits.ts';
import { TopLogits } from '../../sampling/top-logits.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult } from '../executor.ts';
import type { GpuExecutorOptions } from '../gpu-access.ts';
import { HostLogits } from '../logits.ts';
import { SentContexts } from './contexts.ts';
import type { ExecutorClient } from './executor-client.ts';
import { type CreatedExecutor, ownBuffer, type RowLogits, type RunAnswer } from './messages.ts';

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
    client.call('create', { program, types, cells, kvCacheType }),
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

  constructor(
    private readonly client: ExecutorClient,
    private readonly program: Program,
    private readonly created: CreatedExecutor,
  ) {}

  get adapter(): GpuAdapterFacts {
    return this.created.adapter;
  }

  get failed(): boolean {
    return this.lost && !this.disposed;
  }

  get memoryBytes(): Executor['memoryBytes'] {
    const { memoryBytes } = this.created;
    return { ...memoryBytes, kvCache: memoryBytes.kvCache + (this.block?.bytes ?? 0) };
  }

  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (batch.block && batch.block !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    this.computedTokens += batch.tokens.length;
    const { lend = false, bestFirst = false, taps = [], program, given } = outputs;
    const answer = await this.explaining(() =>
      this.client.call(
        'run',
        {
          tokens: ownBuffer(batch.tokens),
          positions: ownBuffer(batch.positions),
          cells: ownBuffer(batch.cells),
          sequences: ownBuffer(batch.sequences),
          contexts: this.contexts.changes(batch.contexts),
          inBlock: batch.block !== undefined,
          logits: outputs.logits,
          bestFirst: lend && bestFirst,
          taps,
          program: program === undefined || program === this.program ? null : program,
          given: given ?? new Map<string, Float32Array>(),
        },
        cancel,
      ),
    );
    const { vocabularySize } = program ?? this.program;
    checkLogits(answer, outputs.logits.length, vocabularySize);
    return {
      logits: answer.logits.map((row, i) => this.handle(row, answer.run, i, vocabularySize)),
      taps: answer.taps,
    };
  }

  async allocateCells(cells: number): Promise<CellBlock> {
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    const { bytes } = await this.explaining(() => this.client.call('allocateCells', { cells }));
    this.block = new RemoteBlock(this.client, cells, bytes, () => (this.block = null));
    return this.block;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.block = null;
    this.client.close();
    return Promise.resolve();
  }

  private handle(row: RowLogits, run: number, index: number, size: number): LogitsHandle {
    if ('values' in row) return new HostLogits(row.values);
    const readAll = async () => {
      const values = await this.explaining(() => this.client.call('allLogits', { run, row: index }));
      if (values.length !== size) throw unexpected();
      return new PlainLogits(values);
    };
    return new BestLogits(new TopLogits(size, row.ids, row.logits, row.sum, readAll));
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
  constructor(private readonly best: TopLogits) {}

  async read(): Promise<Float32Array> {
    return (await this.best.all()).values;
  }

  lend(): Promise<Logits> {
    return Promise.resolve(this.best);
  }
}

/** The other process is not trusted: an id beyond the vocabulary would be used as an index. */
function checkLogits({ logits }: RunAnswer, rows: number, size: number): void {
  if (logits.length !== rows) throw unexpected();
  for (const row of logits) {
    if ('values' in row) {
      if (row.values.length !== size) throw unexpected();
      continue;
    }
    if (row.ids.length !== row.logits.length || row.ids.length >= size) throw unexpected();
    if (row.ids.some((id) => id < 0 || id >= size)) throw unexpected();
  }
}

function unexpected(): EngineError {
  return new EngineError('INTERNAL', 'The GPU process returned an unexpected result.');
}
