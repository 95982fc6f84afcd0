/** The engine's end of a connection to the thread with the GPU: calls, weights on demand, and how it ends. */
import { EngineError, type ErrorPayload, fromErrorPayload } from '../../api/errors.ts';
import type { CancelToken, MessageLink } from '../../api/platform.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { deviceLost, HANG_MS } from '../webgpu/device-watch.ts';
import { isErrorPayload } from './answers.ts';
import { type GpuRequest, type GpuCallName, type GpuCalls, ownBuffer, type GpuResponse } from './messages.ts';

/** How often a call checks whether it was cancelled, ms. */
const CANCEL_MS = 20;
/** Most messages with weights in flight: the next ones are read while these are uploaded. */
const WINDOW = 4;
/** Bytes of such a message. */
const MESSAGE_BYTES = 2 * 2 ** 20;

const UNEXPECTED = 'its process returned something unexpected';

export interface CallOptions<N extends GpuCallName> {
  readonly cancel?: CancelToken | undefined;
  /** Whether a result is possible; by default, any is. */
  readonly isPossible?: (result: GpuCalls[N]['result']) => boolean;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: EngineError): void;
}

/** Weights that the other side may request. */
export interface OfferedWeights {
  readonly program: Program;
  readonly reader: WeightReader;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly onCompile?: (() => void) | undefined;
  readonly cancel?: CancelToken | undefined;
}

export class ExecutorClient {
  private readonly pending = new Map<number, Pending>();
  private calls = 0;
  /** Why the connection cannot be used; null while it can. */
  private lost: EngineError | null = null;
  private offered: OfferedWeights | null = null;
  /** Messages with weights that were not acknowledged yet, and senders that wait for that. */
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];
  private pulse: ReturnType<typeof setTimeout> | undefined;

  /** @param hangMs longest time without a message while a call is pending */
  constructor(
    private readonly link: MessageLink,
    private readonly hangMs = HANG_MS,
  ) {
    link.onMessage((message) => {
      try {
        this.receive(message as GpuResponse);
      } catch {
        this.lose(UNEXPECTED);
      }
    });
    link.onClose(() => this.lose('its process ended'));
  }

  /** Whether the other side was lost. */
  get isLost(): boolean {
    return this.lost?.code === 'BACKEND_LOST';
  }

  /** @throws EngineError BACKEND_LOST after the connection was lost, and errors of the call */
  async call<N extends GpuCallName>(
    name: N,
    params: GpuCalls[N]['params'],
    { cancel, isPossible = () => true }: CallOptions<N> = {},
  ): Promise<GpuCalls[N]['result']> {
    if (this.lost !== null) throw this.lost;
    const id = ++this.calls;
    this.send({ type: 'call', id, name, params } as GpuRequest);
    const answer = new Promise<unknown>((resolve, reject) => this.pending.set(id, { resolve, reject }));
    if (this.pulse === undefined) this.watch();
    const stop = cancel === undefined ? undefined : this.cancelWhen(cancel, id);
    try {
      const result = (await answer) as GpuCalls[N]['result'];
      if (!holds(() => isPossible(result))) throw this.lose(UNEXPECTED);
      return result;
    } finally {
      stop?.();
    }
  }

  /** Serves weights to the other side while `work` runs. */
  async offering<T>(weights: OfferedWeights, work: () => Promise<T>): Promise<T> {
    this.offered = weights;
    try {
      return await work();
    } finally {
      this.offered = null;
    }
  }

  /** Ends the connection, and with it the executor and its memory. */
  close(): void {
    this.lost ??= new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    this.end();
  }

  private lose(reason: string): EngineError {
    this.lost ??= deviceLost(reason);
    this.end();
    return this.lost;
  }

  private end(): void {
    clearTimeout(this.pulse);
    this.link.close();
    for (const { reject } of this.pending.values()) reject(this.lost!);
    this.pending.clear();
    for (const wake of this.waiting.splice(0)) wake();
  }

  private receive(message: GpuResponse): void {
    if (this.pulse !== undefined) this.watch();
    switch (message.type) {
      case 'result':
        return this.answered(message.id)?.resolve(message.result);
      case 'error':
        if (!isErrorPayload(message.error)) return void this.lose(UNEXPECTED);
        return this.answered(message.id)?.reject(fromErrorPayload(message.error));
      case 'read':
        return void this.give(message.read, message.weight);
      case 'compile':
        return this.offered?.onCompile?.();
      case 'taken':
        this.underWay--;
        this.waiting.shift()?.();
    }
  }

  private answered(id: number): Pending | undefined {
    const found = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0) {
      clearTimeout(this.pulse);
      this.pulse = undefined;
    }
    return found;
  }

  /** Sends a ping after half of the time limit, and gives up after all of it. Each message resets the time. */
  private watch(): void {
    clearTimeout(this.pulse);
    const { hangMs } = this;
    this.pulse = setTimeout(() => {
      void this.call('ping', null).catch(() => undefined);
      clearTimeout(this.pulse);
      this.pulse = setTimeout(() => this.lose(`its process did not answer for ${hangMs / 1000} s`), hangMs / 2);
    }, hangMs / 2);
  }

  private cancelWhen(cancel: CancelToken, id: number): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      if (cancel.cancelled) this.send({ type: 'cancel', id });
      else timer = setTimeout(look, CANCEL_MS);
    };
    timer = setTimeout(look, CANCEL_MS);
    return () => clearTimeout(timer);
  }

  /** Reads a weight and sends it as fast as it is uploaded, so that only a few messages are in memory. */
  private async give(read: number, index: number): Promise<void> {
    let error: ErrorPayload | null = null;
    try {
      const { program, reader, onBytes, cancel } = this.offered!;
      await reader.readRows(program.weights[index], {
        ...{ onBytes, cancel },
        onRows: async (bytes, firstRow, rows) => {
          const bytesPerRow = bytes.length / rows;
          const step = Math.max(1, Math.floor(MESSAGE_BYTES / bytesPerRow));
          for (let row = 0; row < rows; row += step) {
            const count = Math.min(step, rows - row);
            const slice = bytes.subarray(row * bytesPerRow, (row + count) * bytesPerRow);
            while (this.underWay >= WINDOW && this.lost === null) {
              await new Promise<void>((resolve) => this.waiting.push(resolve));
            }
            if (this.lost !== null) throw this.lost;
            this.underWay++;
            this.send({ type: 'rows', read, bytes: ownBuffer(slice), firstRow: firstRow + row, rows: count });
          }
        },
      });
    } catch (thrown) {
      error = EngineError.from(thrown).payload;
    }
    this.send({ type: 'readEnd', read, error });
  }

  private send(message: GpuRequest): void {
    if (this.lost === null) this.link.post(message);
  }
}

/** False, too, if the check fails because something is missing. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
