/** The engine's edge: runs in the engine's thread, one per connection. Nothing that arrives here can make it throw. */
import { EngineError } from '../../engine/api/errors.ts';
import type { Logger } from '../../engine/api/platform.ts';
import { RequestCancelToken, type CancelFlags } from './cancel-flags.ts';
import { ChunkBatcher } from './chunk-batcher.ts';
import type { Emit, EngineService } from './engine-service.ts';
import { toErrorPayload } from '../errors.ts';
import { PROTOCOL_VERSION, type EngineMessage } from './api.ts';
import { checkClientMessage, requestIdOf, type CheckedMessage, type CheckedStream } from './schemas.ts';
import type { Transport } from '../transports/transport.ts';

export interface ServeOptions {
  /** The connection's flags in shared memory, if a link sets them. */
  cancelFlags?: CancelFlags | null;
  log?: Logger;
}

/** Maximum concurrent requests of one connection, which limits a runaway client. */
export const MAX_PENDING = 256;

/** Serves one client until its transport or this side closes; its requests are then cancelled. */
export function serveEngine(
  transport: Transport,
  service: EngineService,
  options: ServeOptions = {},
): { close(): void } {
  const connection = new ClientConnection(transport, service, options);
  return {
    close() {
      transport.close();
      connection.close();
    },
  };
}

class ClientConnection {
  readonly #transport: Transport;
  readonly #service: EngineService;
  readonly #options: ServeOptions;
  readonly #pending = new Map<number, Pending>();
  #clientVersion: number | null = null;
  #open = true;

  constructor(transport: Transport, service: EngineService, options: ServeOptions) {
    this.#transport = transport;
    this.#service = service;
    this.#options = options;
    transport.onClose(() => this.close());
    transport.onMessage((message) => this.#receive(message));
  }

  #receive(raw: unknown): void {
    let message: CheckedMessage;
    try {
      message = checkClientMessage(raw);
    } catch (error) {
      const id = requestIdOf(raw);
      // Without an id, or with the id of a running request, there is no one to answer.
      if (id !== null && !this.#pending.has(id)) this.#send({ type: 'error', id, error: toErrorPayload(error) });
      else this.#options.log?.debug('Ignored a message that is not part of the protocol.', { error: String(error) });
      return;
    }
    switch (message.type) {
      case 'hello':
        this.#clientVersion = message.version;
        this.#send({ type: 'hello', version: PROTOCOL_VERSION });
        return;
      case 'credit':
        this.#pending.get(message.id)?.batcher?.addCredit(message.credit);
        return;
      case 'cancel':
        this.#pending.get(message.id)?.stop();
        return;
      case 'call':
      case 'open':
        void this.#run(message);
    }
  }

  async #run(message: Extract<CheckedMessage, { type: 'call' | 'open' }>): Promise<void> {
    const { id } = message;
    if (this.#pending.has(id)) {
      this.#options.log?.debug(`Ignored a second request with the id ${id}, which is still running.`);
      return;
    }
    const batcher =
      message.type === 'call'
        ? null
        : new ChunkBatcher((events) => this.#send({ type: 'chunk', id, events }), {
            credit: message.credit,
            firstTokens: firstTokensOf(message.stream),
          });
    let last: EngineMessage;
    try {
      this.#accept();
      const pending = new Pending(id, batcher, this.#options.cancelFlags ?? null);
      this.#pending.set(id, pending);
      if (message.type === 'call') {
        last = { type: 'result', id, result: await this.#service.call(message.call, pending.cancel, this) };
      } else {
        const emit: Emit = (event) => {
          if (!this.#open || batcher === null) return null;
          batcher.push(event);
          return batcher.room();
        };
        await this.#service.stream(message.stream, pending.cancel, emit, this);
        last = { type: 'end', id };
      }
    } catch (error) {
      last = { type: 'error', id, error: toErrorPayload(error) };
    }
    if (batcher === null) this.#finish(last, id);
    else batcher.finish(() => this.#finish(last, id));
  }

  /** @throws EngineError BAD_REQUEST when this client may not send requests, or not now. */
  #accept(): void {
    const version = this.#clientVersion;
    if (version !== PROTOCOL_VERSION) {
      const problem =
        version === null ? 'No protocol version was agreed' : `The client uses protocol version ${version}`;
      throw new EngineError(
        'BAD_REQUEST',
        `${problem}; this engine uses version ${PROTOCOL_VERSION}. Restart the app.`,
        { version, engineVersion: PROTOCOL_VERSION },
      );
    }
    if (this.#pending.size >= MAX_PENDING) {
      throw new EngineError('BAD_REQUEST', `More than ${MAX_PENDING} requests are waiting. Wait for some to finish.`, {
        limit: MAX_PENDING,
      });
    }
  }

  #finish(message: EngineMessage, id: number): void {
    this.#pending.delete(id);
    this.#send(message);
  }

  #send(message: EngineMessage): void {
    if (!this.#open) return;
    try {
      this.#transport.post(message);
    } catch (error) {
      this.#options.log?.warn(`A message of type ${message.type} could not be sent.`, { error: String(error) });
    }
  }

  /** Cancels all requests of this client, and frees what it looked at. */
  close(): void {
    this.#open = false;
    for (const pending of this.#pending.values()) pending.stop();
    this.#pending.clear();
    this.#service.left(this);
  }
}

/** A person waits for the first token that the model draws. In a branch, a chosen one comes before it. */
function firstTokensOf(stream: CheckedStream): number {
  return stream.method === 'generate' && stream.params.firstToken !== undefined ? 2 : 1;
}

/** A running or waiting request. */
class Pending {
  readonly batcher: ChunkBatcher | null;
  readonly cancel: RequestCancelToken;

  constructor(id: number, batcher: ChunkBatcher | null, flags: CancelFlags | null) {
    this.batcher = batcher;
    this.cancel = new RequestCancelToken(id, flags);
  }

  stop(): void {
    this.cancel.cancel();
    this.batcher?.stopWaiting();
  }
}
