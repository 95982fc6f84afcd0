import type { NotebookToken } from './token-runs.ts';

/** Hover delay, ms. A pointer that leaves the token has as long to reach the popover. */
const HOVER_MS = 120;

/** The token whose candidates are shown: under the pointer after a delay, or pinned. */
export class TokenChoice {
  token = $state.raw<NotebookToken | null>(null);
  pinned = $state(false);
  /** The candidate that is marked by keys. */
  row = $state<number | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  point(token: NotebookToken | null): void {
    if (this.pinned) return;
    this.hold();
    this.#timer = setTimeout(() => (this.token = token), HOVER_MS);
  }

  /** The pointer is over the popover: keep it open. */
  hold(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  pin(token: NotebookToken): void {
    this.hold();
    this.token = token;
    this.pinned = true;
    this.row = null;
  }

  /** Marks the next or previous candidate. @returns whether there is one */
  move(step: 1 | -1, rows: number): boolean {
    if (!this.pinned || rows === 0) return false;
    this.row = this.row === null ? (step === 1 ? 0 : rows - 1) : (this.row + step + rows) % rows;
    return true;
  }

  close(): void {
    this.hold();
    this.token = null;
    this.pinned = false;
    this.row = null;
  }
}
