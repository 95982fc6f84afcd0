/** Quitting the app: by a person, a closed window or a signal. Independent of Electron, so that it can be tested. */

export interface EndingParts {
  /** Stops the engine and finishes saving; takes a bounded time. */
  stop(): Promise<unknown>;
  /** Closes the windows, and then calls `onWillQuit`. */
  quit(): void;
  /** Exits at once. */
  exit(code: number): void;
  /** Starts the app again after it has exited. */
  relaunch(): void;
  /** Asks a person whether to quit despite unsaved changes. */
  askToDiscard(): Promise<boolean>;
}

/** The used part of Electron's event. */
export interface Preventable {
  preventDefault(): void;
}

export class Ending {
  readonly #parts: EndingParts;
  /** Whether no more questions are asked. */
  #forced = false;
  #asking = false;
  #stopping = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Handles Ctrl-C or a system shutdown, without questions. A second one exits at once. */
  onSignal(): void {
    if (this.#forced && this.#stopping) return this.#parts.exit(1);
    this.#forced = true;
    this.#parts.quit();
  }

  /** Called when the window is to close and the page has unsaved changes. Asks, and closes it if confirmed. */
  onPreventUnload(event: Preventable): void {
    // In Electron, preventing this event lets the window close.
    if (this.#forced) return event.preventDefault();
    if (this.#asking) return;
    this.#asking = true;
    void this.#parts
      .askToDiscard()
      .finally(() => (this.#asking = false))
      .then((discard) => {
        // A signal meanwhile has already quit.
        if (!discard || this.#forced) return;
        this.#forced = true;
        this.#parts.quit();
      });
  }

  /** Called when all windows are closed. */
  onWillQuit(event: Preventable): void {
    event.preventDefault();
    if (this.#stopping) return;
    this.#stopping = true;
    // Not `quit`, which would wait for an open native dialog.
    void this.#parts.stop().finally(() => this.#parts.exit(0));
  }

  /** Called when the app is started a second time. @returns whether this one still opens windows */
  onSecondStart(): boolean {
    if (this.#stopping) this.#parts.relaunch();
    return !this.#stopping;
  }
}
