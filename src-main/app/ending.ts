/** How the app ends: asked by a person, by a closed window or by a signal. Knows no Electron, so that it can be tested. */

export interface EndingParts {
  /** Ends the engine and saves what is being saved; takes a bounded time. */
  stop(): Promise<unknown>;
  /** Closes the windows and, when all are closed, comes back to `onWillQuit`. */
  quit(): void;
  /** Ends at once. */
  exit(code: number): void;
  /** Starts the app again once it has ended. */
  relaunch(): void;
  /** Asks a person whether to quit although something is not saved. */
  askToDiscard(): Promise<boolean>;
}

/** What is used of Electron's event. */
export interface Preventable {
  preventDefault(): void;
}

export class Ending {
  readonly #parts: EndingParts;
  /** Nobody is asked any more. */
  #forced = false;
  #asking = false;
  #stopping = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Ctrl-C, or the system shuts down: nobody can be asked. A second one does not wait for anything. */
  onSignal(): void {
    if (this.#forced && this.#stopping) return this.#parts.exit(1);
    this.#forced = true;
    this.#parts.quit();
  }

  /** The page has something that is not saved and the window is to close. Asks, and closes it when it may. */
  onPreventUnload(event: Preventable): void {
    // In Electron preventing this event is what lets the window close.
    if (this.#forced) return event.preventDefault();
    if (this.#asking) return;
    this.#asking = true;
    void this.#parts
      .askToDiscard()
      .finally(() => (this.#asking = false))
      .then((discard) => {
        // A signal that came meanwhile has quit already.
        if (!discard || this.#forced) return;
        this.#forced = true;
        this.#parts.quit();
      });
  }

  /** All windows are closed. */
  onWillQuit(event: Preventable): void {
    event.preventDefault();
    if (this.#stopping) return;
    this.#stopping = true;
    // Not `quit`, which would wait for a native dialog that is still open.
    void this.#parts.stop().finally(() => this.#parts.exit(0));
  }

  /** Somebody started the app a second time. @returns whether this one still opens windows */
  onSecondStart(): boolean {
    if (this.#stopping) this.#parts.relaunch();
    return !this.#stopping;
  }
}
