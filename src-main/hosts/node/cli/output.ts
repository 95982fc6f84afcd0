import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** A stream of text to a reader who may be slow or may hang up, as `head` does. */
export class Output {
  #open = true;

  /** @param onLost called once, when nothing can be written any more: EPIPE when the reader hung up */
  constructor(
    private readonly stream: Writable,
    onLost: (error: NodeJS.ErrnoException) => void,
  ) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#open) onLost(error);
      this.#open = false;
    });
  }

  /** Whether anybody still reads. */
  get open(): boolean {
    return this.#open;
  }

  /** Waits while the reader is behind. Does nothing once the reader is gone. */
  async write(text: string): Promise<void> {
    if (!this.#open || text === '' || this.stream.write(text)) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    const ready = Promise.race([once(this.stream, 'drain', { signal }), once(this.stream, 'close', { signal })]);
    // An error ends the waiting too; the listener above has dealt with it.
    await ready.catch(() => undefined);
    waiting.abort();
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** One value as JSON in one line. */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }
}
