import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** A stream of text to a reader who may be slow or may hang up, as `head` does. */
export class Output {
  #open = true;

  /** @param onHungUp called once, when the reader is gone */
  constructor(
    private readonly stream: Writable,
    onHungUp: () => void,
  ) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (this.#open) onHungUp();
      this.#open = false;
    });
  }

  /** Waits while the reader is behind. Does nothing once the reader is gone. */
  async write(text: string): Promise<void> {
    if (!this.#open || text === '') return;
    if (this.stream.write(text)) return;
    await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')]).catch(() => undefined);
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** One value as JSON in one line. */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }
}
