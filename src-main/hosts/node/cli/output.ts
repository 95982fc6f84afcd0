import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** A text stream whose reader may be slow or close the pipe, like `head`. */
export class Output {
  #open = true;

  /** @param onLost called once, when writing is no longer possible: EPIPE when the reader is gone */
  constructor(
    private readonly stream: Writable,
    onLost: (error: NodeJS.ErrnoException) => void,
  ) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#open) onLost(error);
      this.#open = false;
    });
  }

  /** Whether there is still a reader. */
  get open(): boolean {
    return this.#open;
  }

  /** Waits while the reader is behind. Has no effect once the reader is gone. */
  async write(text: string): Promise<void> {
    if (!this.#open || text === '' || this.stream.write(text)) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    const ready = Promise.race([once(this.stream, 'drain', { signal }), once(this.stream, 'close', { signal })]);
    // An error also ends the waiting; the listener above has handled it.
    await ready.catch(() => undefined);
    waiting.abort();
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** Writes one value as JSON in one line. */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }
}
