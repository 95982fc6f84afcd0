/** The engine as its callers see it, wherever it runs. */
import { EngineError } from '../../engine/api/errors.ts';
import {
  type EngineApi,
  type EngineMethods,
  type EngineStreams,
  type MethodName,
  type StreamName,
  PROTOCOL_VERSION,
  type ClientMessage,
  type EngineMessage,
} from './api.ts';
import { backendLost, cancelled, fromErrorPayload } from '../errors.ts';
import { parseOrRefuse } from '../fields.ts';
import { engineMessage, requestIdOf } from './schemas.ts';
import { StreamReader } from './stream-reader.ts';
import type { Transport } from '../transports/transport.ts';

export interface EngineClientOptions {
  /** Chunks that the engine may send ahead of the reader. Default 8. */
  credit?: number;
}

type AnswerHandler = (message: Exclude<EngineMessage, { type: 'hello' }> | EngineError) => void;

export class EngineClient implements EngineApi {
  /** Resolves when the connection is closed for any reason. All pending calls have then failed. */
  readonly closed: Promise<void>;
  readonly #transport: Transport;
  readonly #credit: number;
  readonly #pending = new Map<number, AnswerHandler>();
  #lastId = 0;
  /** Why no more calls are possible. */
  #failure: EngineError | null = null;
  #resolveClosed: () => void = () => undefined;

  constructor(transport: Transport, options: EngineClientOptions = {}) {
    this.#transport = transport;
    this.#credit = options.credit ?? 8;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    transport.onClose(() => this.#fail(backendLost()));
    transport.onMessage((message) => this.#receive(message));
    this.#post({ type: 'hello', version: PROTOCOL_VERSION });
  }

  /**
   * @throws EngineError with the engine's code; CANCELLED as soon as `signal` aborts; BACKEND_LOST when the other side
   * is gone.
   */
  call<M extends MethodName>(
    method: M,
    params: EngineMethods[M]['params'],
    options: { signal?: AbortSignal } = {},
  ): Promise<EngineMethods[M]['result']> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      if (signal?.aborted) return reject(cancelled());
      const id = ++this.#lastId;
      const onAbort = () => {
        this.#settle(id);
        this.#post({ type: 'cancel', id });
        reject(cancelled());
      };
      this.#pending.set(id, (message) => {
        this.#settle(id);
        signal?.removeEventListener('abort', onAbort);
        if (message instanceof EngineError) reject(message);
        else if (message.type === 'error') reject(fromErrorPayload(message.error));
        // The engine's side creates the result from the same method map.
        else if (message.type === 'result') resolve(message.result as EngineMethods[M]['result']);
        else reject(new EngineError('INTERNAL', `The engine answered "${method}" with a stream instead of a result.`));
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        this.#post({ type: 'call', id, method, params });
      } catch (error) {
        this.#settle(id);
        signal?.removeEventListener('abort', onAbort);
        reject(notSendable(method, error));
      }
    });
  }

  /** Opened when iteration begins; can be iterated once. */
  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<EngineStreams[S]['event']> {
    return { [Symbol.asyncIterator]: () => this.#open(method, params, options.signal) };
  }

  /** Closes the connection. Pending calls fail with BACKEND_LOST. */
  close(): void {
    this.#transport.close();
    this.#fail(backendLost('The connection to the engine was closed.'));
  }

  #open<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    signal: AbortSignal | undefined,
  ): AsyncIterator<EngineStreams[S]['event']> {
    if (this.#failure !== null) return StreamReader.failed(this.#failure);
    if (signal?.aborted) return StreamReader.failed(cancelled());
    const id = ++this.#lastId;
    const onAbort = () => this.#post({ type: 'cancel', id });
    // Each message costs the engine's thread time, so credit is returned in halves.
    const least = Math.max(1, this.#credit >> 1);
    let read = 0;
    const reader = new StreamReader<EngineStreams[S]['event']>({
      consumed: (chunks) => {
        read += chunks;
        if (read < least) return;
        this.#post({ type: 'credit', id, credit: read });
        read = 0;
      },
      abandoned: () => this.#post({ type: 'cancel', id }),
    });
    this.#pending.set(id, (message) => {
      if (!(message instanceof EngineError) && message.type === 'chunk') {
        // The engine's side creates the events from the same method map.
        return reader.chunk(message.events as EngineStreams[S]['event'][]);
      }
      this.#settle(id);
      signal?.removeEventListener('abort', onAbort);
      if (message instanceof EngineError) reader.end(message);
      else if (message.type === 'error') reader.end(fromErrorPayload(message.error));
      else if (message.type === 'end') reader.end(null);
      else
        reader.end(new EngineError('INTERNAL', `The engine answered "${method}" with a result instead of a stream.`));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#post({ type: 'open', id, method, params, credit: this.#credit });
    } catch (error) {
      this.#settle(id);
      signal?.removeEventListener('abort', onAbort);
      return StreamReader.failed(notSendable(method, error));
    }
    return reader;
  }

  #receive(raw: unknown): void {
    let message: EngineMessage;
    try {
      message = parseOrRefuse(engineMessage, raw, 'message from the engine');
    } catch (error) {
      const id = requestIdOf(raw);
      if (id !== null) this.#pending.get(id)?.(new EngineError('INTERNAL', EngineError.from(error).message));
      return;
    }
    if (message.type !== 'hello') return this.#pending.get(message.id)?.(message);
    if (message.version === PROTOCOL_VERSION) return;
    this.#transport.close();
    this.#fail(
      new EngineError(
        'BAD_REQUEST',
        `This page uses protocol version ${PROTOCOL_VERSION}, but the engine uses version ${message.version}. Restart the app.`,
        { version: PROTOCOL_VERSION, engineVersion: message.version },
      ),
    );
  }

  #post(message: ClientMessage): void {
    if (this.#failure === null) this.#transport.post(message);
  }

  #settle(id: number): void {
    this.#pending.delete(id);
  }

  #fail(error: EngineError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const handler of [...this.#pending.values()]) handler(error);
    this.#pending.clear();
    this.#resolveClosed();
  }
}

/** Structured clone refused the params, for example because they contain a function or a reactive proxy. */
function notSendable(method: string, error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EngineError('BAD_REQUEST', `The parameters of "${method}" are not plain data: ${reason}`, { method });
}
