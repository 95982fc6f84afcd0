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
