import { type Transport, Inbox } from './transport.ts';

/** The common part of a DOM MessagePort, a Worker and a Worker's global scope. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error' | 'messageerror', listener: () => void): void;
  start?(): void;
  close?(): void;
}

/**
 * Reacts to `close` on platforms that have it (Chromium from 122, Node), and to a Worker's `error`. A terminated Worker
 * fires no event: `connectWorkerEngine` handles that.
 */
export function messagePortTransport(port: MessagePortLike): Transport {
  const inbox = new Inbox();
  port.addEventListener('message', (event) => inbox.receive(event.data));
  for (const type of ['close', 'error', 'messageerror'] as const) port.addEventListener(type, () => inbox.close());
  port.start?.();
  return {
    post: (message) => {
      if (!inbox.closed) port.postMessage(message);
    },
    onMessage: (listener) => inbox.onMessage(listener),
    onClose: (listener) => inbox.onClose(listener),
    close: () => {
      inbox.hangUp();
      port.close?.();
    },
  };
}
