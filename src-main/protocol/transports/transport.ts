/**
 * The minimal message channel. Implemented by an in-memory pair, a `worker_threads` port, a browser Worker, a DOM
 * MessagePort and Electron's MessagePortMain. Messages are plain data; never pass a transfer list: Electron's ports
 * silently lose a message that transfers an ArrayBuffer.
 */
export interface Transport {
  post(message: unknown): void;
  /** One listener; a later call replaces it. Messages that arrive before the first call are kept. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the other side is gone. */
  onClose(listener: () => void): void;
  close(): void;
}
