/** The `webgpu` executor for an engine in another process. Runs where WebGPU is available, and knows models only as programs. */
import { EngineError, fromErrorPayload } from '../../api/errors.ts';
import type { Gpu, GpuAdapterInfo } from '../../api/gpu.ts';
import type { CancelToken, MessageLink } from '../../api/platform.ts';
import type { Program } from '../../program/program.ts';
import { type WeightReader, WeightView } from '../../program/weights.ts';
import { blockTypeNamed } from '../../quant/registry.ts';
import type { Logits } from '../../sampling/logits.ts';
import type { CellBlock, Executor } from '../executor.ts';
import { noWebGpu, openDevice, type OpenedDevice, requestAdapter } from '../webgpu/device.ts';
import { createWebGpuExecutor } from '../webgpu/webgpu-executor.ts';
import { ReceivedContexts } from './contexts.ts';
import {
  type GpuRequest,
  type CreateParams,
  type GpuCallName,
  type GpuCalls,
  ownBuffer,
  type RowLogits,
  type RunAnswer,
  type RunParams,
  type GpuResponse,
} from './messages.ts';

export interface ServeGpuOptions {
  /** Called when everything is freed. */
  readonly onEnd?: () => void;
  /** Creates the executor; another one in tests. */
  readonly create?: typeof createWebGpuExecutor;
}

/**
 * Serves one engine until its connection closes, and then frees everything.
 * @param gpu null if there is no WebGPU here
 */
export function serveGpu(link: MessageLink, gpu: Gpu | null, options: ServeGpuOptions = {}): void {
  const service = new GpuService(link, gpu, options.create ?? createWebGpuExecutor);
  link.onMessage((message) => service.receive(message as GpuRequest));
  link.onClose(() => {
    service.end();
    options.onEnd?.();
  });
}

interface Reading {
  onRows(bytes: Uint8Array, firstRow: number, rows: number): void | Promise<void>;
  /** Packing of earlier rows. */
  done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

type Handlers = {
  [N in GpuCallName]: (params: GpuCalls[N]['params'], cancel: CancelToken) => Promise<GpuCalls[N]['result']>;
};

class GpuService {
  private device: OpenedDevice | null = null;
  private executor: Executor | null = null;
  private block: CellBlock | null = null;
  private readonly contexts = new ReceivedContexts();
  private readonly readings = new Map<number, Reading>();
  private reads = 0;
  /** The last run that was started, and its logits. */
  private run = 0;
  private lent: readonly Logits[] = [];
  /** Of the calls that are not answered yet. */
  private readonly cancels = new Map<number, { cancelled: boolean }>();
  private ended = false;

  constructor(
    private readonly link: MessageLink,
    private readonly gpu: Gpu | null,
    private readonly createExecutor: typeof createWebGpuExecutor,
  ) {}

  receive(message: GpuRequest): void {
    switch (message.type) {
      case 'call':
        return void this.answer(message);
      case 'cancel': {
        const cancel = this.cancels.get(message.id);
        if (cancel) cancel.cancelled = true;
        return;
      }
      case 'rows':
        return this.take(message);
      case 'readEnd': {
        const reading = this.readings.get(message.read);
        this.readings.delete(message.read);
        if (message.error === null) void reading?.done.then(reading.resolve, reading.reject);
        else reading?.reject(fromErrorPayload(message.error));
      }
    }
  }

  end(): void {
    this.ended = true;
    void this.executor?.dispose();
    if (this.executor === null) this.device?.device.destroy();
    const closed = new EngineError('CANCELLED', 'The connection to the engine was closed.');
    for (const { reject } of this.readings.values()) reject(closed);
  }

  private async answer({ id, name, params }: Extract<GpuRequest, { type: 'call' }>): Promise<void> {
    const cancel = { cancelled: false };
    this.cancels.set(id, cancel);
    try {
      const handler = this.handlers[name] as (params: unknown, cancel: CancelToken) => Promise<unknown>;
      this.send({ type: 'result', id, result: await handler(params, cancel) });
    } catch (thrown) {
      this.send({ type: 'error', id, error: EngineError.from(thrown).payload });
    } finally {
      this.cancels.delete(id);
    }
  }

  private readonly handlers: Handlers = {
    ping: () => Promise.resolve(null),
    adapter: async () => {
      if (this.gpu === null) return null;
      const adapter = await requestAdapter(this.gpu);
      return adapter ? plainInfo(adapter.info) : null;
    },
    open: async () => {
      if (this.gpu === null) throw noWebGpu();
      this.device = await openDevice(this.gpu);
      if (this.ended) this.device.device.destroy();
      return plainInfo(this.device.adapter);
    },
    create: async (params, cancel) => {
      if (this.device === null) throw new EngineError('INTERNAL', 'No device was opened.');
      const { cells, kvCacheType } = params;
      const program = revived(params.program);
      const onCompile = () => this.send({ type: 'compile' });
      const options = { device: this.device, cells, kvCacheType, onCompile, cancel };
      const executor = await this.createExecutor(program, this.reader(program, params), options);
      if (this.ended) await executor.dispose();
      this.executor = executor;
      const { memoryBytes, choosesTokens = false } = executor;
      return { adapter: executor.adapter!, memoryBytes, choosesTokens };
    },
    run: (params, cancel) => this.runBatch(params, cancel),
    allLogits: async ({ run, row }) => {
      if (run !== this.run) {
        throw new EngineError('INTERNAL', 'Borrowed logits were read after the executor ran again.');
      }
      return ownBuffer((await this.lent[row].all()).values);
    },
    allocateCells: async ({ cells, layers }) => {
      this.block = await this.present.allocateCells(cells, layers === null ? undefined : new Set(layers));
      return { bytes: this.block.bytes };
    },
    copyCells: ({ cells }) => {
      this.block?.copy(cells);
      return Promise.resolve(null);
    },
    releaseCells: () => {
      this.block?.release();
      this.block = null;
      return Promise.resolve(null);
    },
  };

  /** Reaches the executor within the call, because runs that choose tokens follow each other. */
  private async runBatch(params: RunParams, cancel: CancelToken): Promise<RunAnswer> {
    const { tokens, positions, cells, sequences, inBlock, isChosen } = params;
    const { logits, bestFirst, choose, profile, taps, program, given } = params;
    const contexts = this.contexts.apply(params.contexts);
    if (inBlock && this.block === null) throw new EngineError('INTERNAL', 'That block was released.');
    const batch = { tokens, positions, cells, sequences, contexts, isChosen, ...(inBlock && { block: this.block! }) };
    const run = ++this.run;
    this.lent = [];
    const outputs = { logits, taps, given, lend: bestFirst, bestFirst, profile, ...(choose && { choose }) };
    const variant = program === null ? {} : { program: revived(program) };
    const result = await this.present.run(batch, { ...outputs, ...variant }, cancel);
    const rows: RowLogits[] = [];
    const lent: Logits[] = [];
    for (const handle of result.logits) {
      const row = await handle.lend();
      lent.push(row);
      rows.push(rowOf(row, handle.chosen ?? null));
    }
    if (run === this.run) this.lent = lent;
    return { run, logits: rows, taps: result.taps, profile: result.profile ?? null };
  }

  private get present(): Executor {
    if (this.executor === null) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    return this.executor;
  }

  /** Weights that the engine reads. */
  private reader({ weights }: Program, { types }: CreateParams): WeightReader {
    const indices = new Map(weights.map(({ name }, index) => [name, index]));
    const indexOf = (name: string) => indices.get(name)!;
    return {
      typeOf: ({ name }) => blockTypeNamed(types[indexOf(name)])!,
      readRows: ({ name }, { onRows }) =>
        new Promise<void>((resolve, reject) => {
          const read = ++this.reads;
          this.readings.set(read, { onRows, done: Promise.resolve(), resolve, reject });
          this.send({ type: 'read', read, weight: indexOf(name) });
        }),
    };
  }

  private take({ read, bytes, firstRow, rows }: Extract<GpuRequest, { type: 'rows' }>): void {
    const reading = this.readings.get(read);
    if (reading === undefined) return;
    reading.done = reading.done.then(async () => {
      await reading.onRows(bytes, firstRow, rows);
      this.send({ type: 'taken' });
    });
    // Reported at the end of the read.
    reading.done.catch(() => this.send({ type: 'taken' }));
  }

  private send(message: GpuResponse): void {
    if (!this.ended) this.link.post(message);
  }
}

function rowOf(logits: Logits, chosen: number | null): RowLogits {
  if (logits.known === logits.size) return { values: ownBuffer(logits.values) };
  const ids = Int32Array.from(logits.top(logits.known));
  return { ids, logits: Float32Array.from(ids, (id) => logits.at(id)), sum: logits.logSum(), chosen };
}

/** Restores the methods that a program loses when it is copied. */
function revived(program: Program): Program {
  const ops = program.ops.map((op) => ({
    ...op,
    weights: op.weights.map(({ name, shape, firstRow }) => new WeightView(name, shape, firstRow)),
  }));
  return { ...program, ops };
}

/** An adapter's info is an object of the browser, which cannot be sent. */
function plainInfo({ vendor, architecture, device, description, isFallbackAdapter }: GpuAdapterInfo): GpuAdapterInfo {
  return { vendor, architecture, device, description, ...(isFallbackAdapter !== undefined && { isFallbackAdapter }) };
}
