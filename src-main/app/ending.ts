/** Quitting the app: by a person, a closed window or a signal. Independent of Electron, so that it can be tested. */
import type { OpenRequest } from './open-requests.ts';

export interface EndingParts<AppWindow> {
  /**
   * Stops the engine, finishes saving and installs an update; takes seconds, with an update half a minute.
   * @param restarts asked right before an installer starts: whether the app is to be started again
   * @returns whether an installer replaces the app from now on. It ends what runs of the app, and starts it again if asked to
   */
  stop(restarts: () => boolean): Promise<boolean>;
  /** Closes the windows, and then calls `onWillQuit`. */
  quit(): void;
  /** Exits at once. */
  exit(code: number): void;
  /** Starts the app again. Called right before `exit`. */
  relaunch(requests: readonly OpenRequest[]): void;
  /** Leaves them to the start after an installer. Called right before `exit`. */
  keep(requests: readonly OpenRequest[]): void;
  /** Asks a person whether to quit, or to close a window, despite the unsaved changes of `window`. */
  askToDiscard(what: 'quit' | 'close', window: AppWindow): Promise<boolean>;
}

/**
 * Maximum time that the windows may take to close after a signal, ms. At a shutdown, the system also ends the pages'
 * processes, and a page that is still loading then never closes.
 */
export const CLOSE_MS = 3000;

/** The used part of Electron's event. */
export interface Preventable {
  preventDefault(): void;
}

export class Ending<AppWindow> {
  readonly #parts: EndingParts<AppWindow>;
  /** Whether no more questions are asked. */
  #forced = false;
  #asking = false;
  #stopping = false;
  /** What the app opens when it is started again; null: it is not. */
  #again: readonly OpenRequest[] | null = null;

  constructor(parts: EndingParts<AppWindow>) {
    this.#parts = parts;
  }

  /** Handles Ctrl-C or a system shutdown, without questions. A second one exits at once. */
  onSignal(): void {
    if (this.#forced && this.#stopping) return this.#parts.exit(1);
    this.#forced = true;
    this.#parts.quit();
    setTimeout(() => this.#stop(), CLOSE_MS);
  }

  /**
   * Called when a window is to close and its page has unsaved changes. Asks, and closes it if confirmed.
   * @param close closes only this window; null if it is the last one, or the app quits
   */
  onPreventUnload(event: Preventable, window: AppWindow, close: (() => void) | null = null): void {
    // In Electron, preventing this event lets the window close.
    if (this.#forced) return event.preventDefault();
    if (this.#asking) return;
    this.#asking = true;
    void this.#parts
      .askToDiscard(close === null ? 'quit' : 'close', window)
      .finally(() => (this.#asking = false))
      .then((discard) => {
        // A signal meanwhile has already quit.
        if (!discard || this.#forced) return;
        if (close !== null) return close();
        this.#forced = true;
        this.#parts.quit();
      });
  }

  /** Called when all windows are closed. */
  onWillQuit(event: Preventable): void {
    event.preventDefault();
    this.#stop();
  }

  /** Called when the app is started a second time. @returns whether this one still opens windows, and `requests` */
  onSecondStart(requests: readonly OpenRequest[]): boolean {
    if (this.#stopping) this.#again = [...(this.#again ?? []), ...requests];
    return !this.#stopping;
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    void this.#parts
      .stop(() => this.#again !== null)
      .catch(() => false)
      .then((installs) => {
        if (this.#again !== null) {
          if (installs) this.#parts.keep(this.#again);
          else this.#parts.relaunch(this.#again);
        }
        // Not `quit`, which would wait for an open native dialog.
        this.#parts.exit(0);
      });
  }
}
