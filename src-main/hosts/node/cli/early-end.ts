import type { EventEmitter } from 'node:events';
import { EXIT, type ExitCode } from './errors.ts';

/** For an orderly end after SIGTERM or SIGHUP, ms: some commands do not notice that they should stop. */
const GRACE_MS = 5000;

/** What ends a command before it is done: a signal, or output that can no longer be written. */
export class EarlyEnd {
  readonly #stopping = new AbortController();
  /** Exit code of an interrupted command; null as long as nothing has stopped it. */
  #code: ExitCode | null = null;
  #cannotWrite = false;
  /** What the next Ctrl-C does instead of ending the command. */
  #instead: (() => void) | null = null;

  /**
   * @param signals the process
   * @param exit ends it at once
   */
  constructor(
    signals: EventEmitter,
    private readonly exit: (code: ExitCode) => void,
  ) {
    signals.on('SIGINT', () => {
      const act = this.#instead;
      this.#instead = null;
      if (act === null) this.#stop(EXIT.interrupted);
      else act();
    });
    signals.on('SIGTERM', () => this.#terminate(EXIT.terminated));
    // The terminal was closed.
    signals.on('SIGHUP', () => this.#terminate(EXIT.hungUp));
  }

  /** Aborts when the command should end. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** See `CliContext.onInterrupt`. */
  onInterrupt(act: () => void): () => void {
    this.#instead = act;
    return () => {
      if (this.#instead === act) this.#instead = null;
    };
  }

  /** The output can no longer be written. */
  lost({ code }: NodeJS.ErrnoException): void {
    if (code !== 'EPIPE') this.#cannotWrite = true;
    // A reader that closes the pipe, such as `head`, has what it wants: stop without an error.
    this.#code ??= EXIT.ok;
    this.#stopping.abort();
  }

  /** The exit code of the process. @param code of its command */
  exitCode(code: ExitCode): ExitCode {
    if (this.#cannotWrite && code !== EXIT.usage) return EXIT.engineError;
    return code === EXIT.interrupted ? (this.#code ?? code) : code;
  }

  /** Requests an orderly end, which prints partial results; a second request exits at once. */
  #stop(code: ExitCode): void {
    if (this.#stopping.signal.aborted) return this.exit(code);
    this.#code = code;
    this.#stopping.abort();
  }

  #terminate(code: ExitCode): void {
    this.#stop(code);
    setTimeout(() => this.exit(code), GRACE_MS).unref();
  }
}
