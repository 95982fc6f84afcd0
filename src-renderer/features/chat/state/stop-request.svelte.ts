/** An engine that has not answered Stop after this long, ms, is offered to be restarted. It answers within 100 ms. */
const STUCK_AFTER_MS = 2000;

/** Stop was pressed: has the engine answered? */
export class StopRequest {
  /** The engine has not answered yet. */
  pending = $state(false);
  /** ... and does not seem to. */
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
