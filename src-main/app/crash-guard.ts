import type { BrowserWindow, RenderProcessGoneDetails } from 'electron';

const WINDOW_MS = 60_000;
const MAX_CRASHES = 3;

/** Decides whether to reload a crashed page, which it refuses after repeated crashes. */
export class CrashGuard {
  #crashes: number[] = [];

  /** @param now ms, monotonic. */
  mayReload(now: number): boolean {
    this.#crashes = [...this.#crashes.filter((at) => now - at < WINDOW_MS), now];
    return this.#crashes.length <= MAX_CRASHES;
  }

  /** A person asked to try again. */
  reset(): void {
    this.#crashes = [];
  }
}

export interface CrashHandling {
  /** Tells the page, once it is reloaded, what happened. */
  notice(message: string): void;
  /** Asks a person after repeated crashes. */
  askToReload(): Promise<boolean>;
  quit(): void;
  /** Whether the app is quitting, which may be why the page's process is gone. */
  isQuitting(): boolean;
}

/** Reloads the page when its process is gone. */
export function reloadAfterCrash(
  window: BrowserWindow,
  { notice, askToReload, quit, isQuitting }: CrashHandling,
): void {
  const guard = new CrashGuard();
  window.webContents.on('render-process-gone', (_event, details: RenderProcessGoneDetails) => {
    if (details.reason === 'clean-exit' || window.isDestroyed()) return;
    // A new process might not start any more.
    if (isQuitting()) return window.destroy();
    void recover(details.reason);
  });

  async function recover(reason: string): Promise<void> {
    if (!guard.mayReload(performance.now())) {
      if (!(await askToReload())) return quit();
      guard.reset();
    }
    notice(`The page crashed (${reason}) and was reloaded. Everything that was saved is still here.`);
    if (!window.isDestroyed()) window.webContents.reload();
  }
}
