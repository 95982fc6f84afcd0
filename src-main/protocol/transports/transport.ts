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

/** Common part of all transports: one listener, messages queued until it is set, and a close that is reported once. */
export class Inbox {
  #listener: ((message: unknown) => void) | null = null;
  #waiting: unknown[] = [];
  #closeListener: (() => void) | null = null;
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  receive(message: unknown): void {
    if (this.#closed) return;
    if (this.#listener === null) this.#waiting.push(message);
    else this.#listener(message);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listener = listener;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) listener(message);
  }

  /** A listener that is set after the close is called at once. */
  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#closeListener = listener;
  }

  /** The other side is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    const listener = this.#closeListener;
    this.#closeListener = null;
    listener?.();
  }

  /** This side closed: nothing more is delivered or reported. */
  hangUp(): void {
    this.#closeListener = null;
    this.close();
  }
}
