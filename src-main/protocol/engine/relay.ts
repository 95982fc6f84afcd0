/**
 * Runs beside the engine's thread (in a page, in the utility process, in a terminal), where the event loop is always
 * responsive: it receives a cancel at once and sets the flag in shared memory that the engine polls while it computes.
 */
import { type CancelFlags } from './cancel-flags.ts';
import { requestIdOf } from './schemas.ts';
import { type Transport, Inbox } from '../transports/transport.ts';

export interface EngineLink {
  /** For a client in this thread, or for a relay to one elsewhere. */
  readonly transport: Transport;
  /** Closes the transport because the engine is gone. */
  lost(): void;
}

/**
 * A transport to the engine that sets the flags for cancels. Messages are passed on unchanged and without a copy: the
 * engine's side checks a client's messages, the client the engine's.
 *
 * @param flags shared with the engine's thread; without them a cancel is only sent as a message
 */
export function linkTo(engine: Transport, flags: CancelFlags | null): EngineLink {
  const inbox = new Inbox();
  const running = new Set<number>();
  engine.onMessage((message) => {
    if (typeOf(message) !== 'chunk') {
      const id = requestIdOf(message);
      if (id !== null) running.delete(id);
    }
    inbox.receive(message);
  });
  engine.onClose(() => inbox.close());
  return {
    transport: {
      post(message) {
        const id = requestIdOf(message);
        const type = typeOf(message);
        if (id !== null && type === 'cancel' && running.has(id)) flags?.cancel(id);
        engine.post(message);
        if (id !== null && (type === 'call' || type === 'open')) running.add(id);
      },
      onMessage: (listener) => inbox.onMessage(listener),
      onClose: (listener) => inbox.onClose(listener),
      close() {
        for (const id of running) flags?.cancel(id);
        inbox.hangUp();
        engine.close();
      },
    },
    lost() {
      engine.close();
      inbox.close();
    },
  };
}

/** Connects a client elsewhere to the engine. When one side closes, the other is closed. */
export function relay(client: Transport, engine: Transport): { close(): void } {
  const close = () => {
    client.close();
    engine.close();
  };
  client.onMessage((message) => engine.post(message));
  engine.onMessage((message) => client.post(message));
  client.onClose(close);
  engine.onClose(close);
  return { close };
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined;
}
