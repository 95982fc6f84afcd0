import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { splitLines } from '../json-lines.ts';
import { abortable, decodeUtf8 } from '../options/text-input.ts';

/** Input lines. */
export interface Lines {
  /** @param prompt shown in a terminal @returns null at the end */
  next(prompt: string): Promise<string | null>;
  /** Shows the prompt again, after other output. */
  prompt?(): void;
  close(): void;
}

/** The lines of a file or of another program. */
export class PipedLines implements Lines {
  private readonly lines: AsyncGenerator<Uint8Array>;

  constructor(stdin: Readable, signal: AbortSignal) {
    this.lines = splitLines(abortable(stdin, signal));
  }

  async next(): Promise<string | null> {
    const { done, value } = await this.lines.next();
    return done ? null : decodeUtf8(value, 'A line of standard input').replace(/\r$/, '');
  }

  close(): void {
    // The stream belongs to the process.
  }
}

/** The lines of a person at a terminal, with editing, history and type-ahead. */
export class TerminalLines implements Lines {
  private readonly reader: Interface;
  private readonly ahead: string[] = [];
  private waiting: ((line: string | null) => void) | null = null;
  private ended = false;

  /** @param onInterrupt Ctrl-C while no line is being read, or on an empty line */
  constructor(terminal: { input: Readable; output: Writable }, signal: AbortSignal, onInterrupt: () => void) {
    const reader = createInterface({ ...terminal, terminal: true, historySize: 500, removeHistoryDuplicates: true });
    this.reader = reader;
    reader.on('line', (line) => this.take(line));
    reader.on('close', () => {
      this.ended = true;
      this.waiting?.(null);
    });
    reader.on('SIGINT', () => {
      if (this.waiting === null || reader.line === '') return onInterrupt();
      reader.write(null, { ctrl: true, name: 'e' });
      reader.write(null, { ctrl: true, name: 'u' });
    });
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  next(prompt: string): Promise<string | null> {
    const written = this.ahead.shift();
    if (written !== undefined) return Promise.resolve(written);
    if (this.ended) return Promise.resolve(null);
    this.reader.setPrompt(prompt);
    this.reader.prompt(true);
    return new Promise((resolve) => {
      this.waiting = (line) => {
        this.waiting = null;
        resolve(line);
      };
    });
  }

  prompt(): void {
    this.reader.prompt(true);
  }

  close(): void {
    this.reader.close();
  }

  private take(line: string): void {
    if (this.waiting === null) this.ahead.push(line);
    else this.waiting(line);
  }
}
