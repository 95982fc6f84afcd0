import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { visibleControls } from '../control-characters.ts';

/** Where text goes. Node's terminals have these properties, other streams do not. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A text stream whose reader may be slow or close the pipe, like `head`. */
export class Output {
  #open = true;

  /** @param onLost called once, when writing is no longer possible: EPIPE when the reader is gone */
  constructor(
    private readonly stream: OutputStream,
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

  /** Waits until all text was written, or cannot be. @returns whether it was */
  async flushed(): Promise<boolean> {
    // Called after all earlier writes, also when one of them fails.
    if (this.#open) await new Promise<void>((resolve) => this.stream.write('', () => resolve()));
    return this.#open;
  }

  /** Columns of the terminal, whose window may change; undefined without one, or if it does not know. */
  get columns(): number | undefined {
    const { isTTY = false, columns = 0 } = this.stream;
    return isTTY && columns > 0 ? columns : undefined;
  }

  /**
   * Waits while the reader is behind. Has no effect once the reader is gone. A terminal shows control characters as
   * escapes: texts of models and files may contain any, and could otherwise change its title or the clipboard.
   */
  async write(text: string): Promise<void> {
    await this.#send(this.stream.isTTY ? visibleControls(text, '\n\t') : text);
  }

  /** Writes control characters of our own, which `write` would show. */
  async control(characters: string): Promise<void> {
    await this.#send(characters);
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** Writes one value as JSON in one line. */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }

  async #send(text: string): Promise<void> {
    if (!this.#open || text === '' || this.stream.write(text)) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    const ready = Promise.race([once(this.stream, 'drain', { signal }), once(this.stream, 'close', { signal })]);
    // An error also ends the waiting; the listener above has handled it.
    await ready.catch(() => undefined);
    waiting.abort();
  }
}
