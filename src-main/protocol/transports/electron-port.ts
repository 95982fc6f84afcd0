import { type Transport, Inbox } from './transport.ts';

/** Electron's MessagePortMain, in the main process and in a utility process. Structural: no electron import. */
export interface ElectronPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start(): void;
  close(): void;
}

export function electronPortTransport(port: ElectronPort): Transport {
  const inbox = new Inbox();
  port.on('message', (event) => inbox.receive(event.data));
  port.on('close', () => inbox.close());
  port.start();
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
