/**
 * Sits in the thread beside the engine's (utility process, page, CLI), whose event loop is always free: it hears a
 * cancel at once and sets the shared flag, gathers tokens into chunks and holds back what the reader has no room for.
 */
import { type CancelFlags } from './cancel-flags.ts';
import { ChunkBatcher } from './chunk-batcher.ts';
import type { ClientMessage, EngineMessage } from './messages.ts';
import { clientMessage, MAX_CREDIT } from './schemas.ts';
import type { Transport } from './transport.ts';
import * as v from 'valibot';

export interface RelayOptions {
  /** Shared with the engine's thread; without them a cancel travels as a message only. */
  cancelFlags?: CancelFlags | null;
  /** See `BatcherOptions`. */
  flushMs?: number;
  now?: () => number;
  /** Called once, when the connection is gone. */
  onClosed?: () => void;
}

/**
 * Joins a client to an engine that sends its events soon. When one side goes, the other is closed, and the engine is
 * told to stop what it does for a client that is gone.
 */
export function relay(client: Transport, engine: Transport, options: RelayOptions = {}): { close(): void } {
  const { cancelFlags = null, onClosed, ...batching } = options;
  const streams = new Map<number, ChunkBatcher>();
  const running = new Set<number>();
  let open = true;

  function close(): void {
    if (!open) return;
    open = false;
    for (const id of running) cancelFlags?.cancel(id);
    // Tokens that were generated reach the reader even if the engine has just died.
    for (const batcher of streams.values()) batcher.drain();
    streams.clear();
    client.close();
    engine.close();
    onClosed?.();
  }

  function toEngine(message: ClientMessage): void {
    switch (message.type) {
      case 'open': {
        if (running.has(message.id)) break;
        running.add(message.id);
        const send = (events: unknown[]) => client.post({ type: 'chunk', id: message.id, events });
        streams.set(message.id, new ChunkBatcher(send, { ...batching, credit: message.credit }));
        engine.post({ ...message, credit: MAX_CREDIT });
        return;
      }
      case 'call':
        running.add(message.id);
        break;
      case 'credit':
        streams.get(message.id)?.addCredit(message.credit);
        return;
      case 'cancel':
        if (running.has(message.id)) cancelFlags?.cancel(message.id);
        break;
      case 'hello':
        break;
    }
    engine.post(message);
  }

  function toClient(message: EngineMessage): void {
    if (message.type === 'hello') return client.post(message);
    const { id } = message;
    const batcher = streams.get(id);
    if (message.type === 'chunk') {
      for (const event of message.events) batcher?.push(event);
      return;
    }
    running.delete(id);
    if (batcher === undefined) return client.post(message);
    batcher.finish(() => {
      streams.delete(id);
      client.post(message);
    });
  }

  client.onMessage((message) => {
    if (!open) return;
    // What is no message of the protocol goes on as it is: the engine's edge answers it.
    if (v.is(clientMessage, message)) toEngine(message);
    else engine.post(message);
  });
  // The engine is the app's own code, so its messages are not checked again here; the client does.
  engine.onMessage((message) => {
    if (open) toClient(message as EngineMessage);
  });
  client.onClose(close);
  engine.onClose(close);
  return { close };
}
