/** Hover delay, ms. A pointer that leaves the token has as long to reach the popover. */
const HOVER_MS = 120;

/** The focused token of a reply: by pointer after a delay, by keyboard at once, or pinned until closed. */
export class TokenFocus {
  index = $state<number | null>(null);
  pinned = $state(false);
  #wanted: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** The pointer is over a token, or over none. */
  point(index: number | null): void {
    if (this.pinned || index === this.#wanted) return;
    this.#wanted = index;
    this.#cancel();
    this.#timer = setTimeout(() => (this.index = index), HOVER_MS);
  }

  /** The pointer is over the popover: keep it open. */
  hold(): void {
    this.#cancel();
    this.#wanted = this.index;
  }

  pin(): void {
    this.#cancel();
    this.pinned = this.index !== null;
  }

  /** A click on a token pins it; a click on the pinned one unpins it. */
  toggle(index: number | null): void {
    if (index === null || (this.pinned && index === this.index)) return this.close();
    this.#cancel();
    this.index = index;
    this.#wanted = index;
    this.pinned = true;
  }

  close(): void {
    this.#cancel();
    this.index = null;
    this.#wanted = null;
    this.pinned = false;
  }

  /** @param count tokens of the reply @returns whether the key was handled */
  key(key: string, count: number): boolean {
    const next = this.#target(key, count);
    if (next !== null) {
      this.#cancel();
      this.index = next;
      this.#wanted = next;
      return true;
    }
    if (key !== 'Enter' || this.index === null) return false;
    if (this.pinned) this.pinned = false;
    else this.pin();
    return true;
  }

  #target(key: string, count: number): number | null {
    if (count === 0) return null;
    switch (key) {
      case 'ArrowRight':
        return Math.min(count - 1, (this.index ?? -1) + 1);
      case 'ArrowLeft':
        return Math.max(0, (this.index ?? count) - 1);
      case 'Home':
        return 0;
      case 'End':
        return count - 1;
      default:
        return null;
    }
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
