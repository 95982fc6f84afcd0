import type { Readable, Writable } from 'node:stream';
import type { Output } from './output.ts';

/** The environment of the commands. */
export interface CliContext {
  stdin: Readable;
  /** Results only: text for people, or JSON. */
  out: Output;
  /** Everything else: statistics, warnings, errors. */
  err: Output;
  /** Whether `err` is a terminal, where a line can be overwritten. */
  isTerminal?: boolean;
  /** The interactive terminal, if there is one. */
  terminal?: { input: Readable; output: Writable } | undefined;
  /** Width of `out` in columns of text, if it is a terminal. */
  columns?: number | undefined;
  /** Aborts on Ctrl-C and when the output's reader is gone. */
  signal: AbortSignal;
  /**
   * Replaces the effect of the next Ctrl-C, which otherwise ends the command; the one after that ends it.
   * @returns undoes that
   */
  onInterrupt?: (act: () => void) => () => void;
  /** Script of the engine's thread. */
  workerUrl: URL;
  /** Folder with one folder per model. */
  modelsDir: string;
  /** File for measurements of this computer; without it, each command measures again. */
  measurementsPath?: string;
}
