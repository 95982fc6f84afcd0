import { PROTOCOL_VERSION, type EngineMessage } from '../api.ts';
import type { Transport } from '../../transports/transport.ts';

/** A client without checks: sends anything, records everything. */
export class RawClient {
  readonly received: EngineMessage[] = [];
  readonly #transport: Transport;
  #wake: () => void = () => undefined;

  constructor(transport: Transport, version: number | null = PROTOCOL_VERSION) {
    this.#transport = transport;
    transport.onMessage((message) => {
      this.received.push(message as EngineMessage);
      this.#wake();
    });
    if (version !== null) this.post({ type: 'hello', version });
  }

  post(message: unknown): void {
    this.#transport.post(message);
  }

  of(id: number): EngineMessage[] {
    return this.received.filter((message) => message.type !== 'hello' && message.id === id);
  }

  chunks(id: number): unknown[][] {
    return this.of(id).flatMap((message) => (message.type === 'chunk' ? [message.events] : []));
  }

  /** The message that answers the call or ends the stream. */
  async closing(id: number, timeoutMs = 10_000): Promise<EngineMessage> {
    const found = () => this.of(id).find((message) => message.type !== 'chunk');
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const message = found();
      if (message !== undefined) return message;
      if (performance.now() > deadline) throw new Error(`No answer to request ${id} within ${timeoutMs} ms.`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(50)]);
    }
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
