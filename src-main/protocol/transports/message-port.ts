import { type Transport, Inbox } from './transport.ts';

/** What a DOM MessagePort, a Worker and a Worker's own global scope have in common. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error' | 'messageerror', listener: () => void): void;
  start?(): void;
  close?(): void;
}

/**
 * `close` is heard where the platform tells of it (Chromium from 122, Node), a Worker's `error` too. A Worker that is
 * terminated says nothing: `connectWorkerEngine` sees to that.
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
