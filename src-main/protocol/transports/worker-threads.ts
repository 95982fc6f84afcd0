import { type Transport, Inbox } from './transport.ts';

/** A `worker_threads` MessagePort. Structural, so that the protocol needs no Node. */
export interface WorkerThreadsPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close' | 'messageerror', listener: () => void): unknown;
  close(): void;
}

export function workerThreadsTransport(port: WorkerThreadsPort): Transport {
  const inbox = new Inbox();
  port.on('message', (message) => inbox.receive(message));
  port.on('close', () => inbox.close());
  port.on('messageerror', () => inbox.close());
  return {
    post: (message) => {
      if (!inbox.closed) port.postMessage(message);
    },
    onMessage: (listener) => inbox.onMessage(listener),
    onClose: (listener) => inbox.onClose(listener),
    close: () => {
      inbox.hangUp();
      port.close();
    },
  };
}
