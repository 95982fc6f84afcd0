import type { Readable, Writable } from 'node:stream';
import type { Output } from './output.ts';

/** What the commands have of the world around them. */
export interface CliContext {
  stdin: Readable;
  /** Answers only: text for people, or JSON. */
  out: Output;
  /** Everything else: statistics, warnings, errors. */
  err: Output;
  /** Whether `err` is a terminal, where a line may be written over. */
  isTerminal?: boolean;
  /** Where a person sits at it: what is written there by hand, and where it shows. */
  terminal?: { input: Readable; output: Writable } | undefined;
  /** Aborts on Ctrl-C and when nobody reads the answer any more. */
  signal: AbortSignal;
  /**
   * Lets the next Ctrl-C do something else than end the command; the one after that ends it.
   * @returns undoes that
   */
  onInterrupt?: (act: () => void) => () => void;
  /** Script of the engine's thread. */
  workerUrl: URL;
  /** Folder with one folder per model. */
  modelsDir: string;
  /** File for measurements of this computer; left out, each command measures anew. */
  measurementsPath?: string;
}
