/** If the engine has not stopped after this time, ms, the app offers to restart it. Normally it stops within 100 ms. */
const STUCK_AFTER_MS = 2000;

/** Tracks whether the engine reacts to Stop. */
export class StopRequest {
  /** The engine has not stopped yet. */
  pending = $state(false);
  /** It has taken too long. */
  stuck = $state(false);
  #timer: ReturnType<typeof setTimeout> | null = null;

  begin(): void {
    this.pending = true;
    this.#timer ??= setTimeout(() => (this.stuck = true), STUCK_AFTER_MS);
  }

  /** The reply has ended. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.pending = false;
    this.stuck = false;
  }
}
