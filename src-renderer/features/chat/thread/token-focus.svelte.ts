/** Hover delay, ms. A pointer that leaves the token has as long to reach the popover. */
const HOVER_MS = 120;

/** Tokens of a reply, `end` is after the last. */
export interface TokenSpan {
  first: number;
  end: number;
}

/** What a key may do. */
export interface KeyContext {
  /** Shift is held: moving selects. */
  shift?: boolean;
  /** Candidates listed for the pinned token. */
  rows?: number;
}

/**
 * The focused token of a reply: by pointer after a delay, by keyboard at once, or pinned until closed. Instead of it, a
 * span of tokens may be selected.
 */
export class TokenFocus {
  index = $state<number | null>(null);
  pinned = $state(false);
  /** The chosen one of the pinned token's candidates. */
  row = $state<number | null>(null);
  /** Where the selection began. It ends at `index`. */
  #anchor = $state<number | null>(null);
  #wanted: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** The selected tokens; null if none are. */
  get span(): TokenSpan | null {
    const [anchor, index] = [this.#anchor, this.index];
    if (anchor === null || index === null) return null;
    return { first: Math.min(anchor, index), end: Math.max(anchor, index) + 1 };
  }

  /** The pointer is over a token, or over none. */
  point(index: number | null): void {
    if (this.pinned || this.#anchor !== null || index === this.#wanted) return;
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
    this.row = null;
  }

  /** A click on a token pins it; a click on the pinned one unpins it. */
  toggle(index: number | null): void {
    if (index === null || (this.pinned && index === this.index)) return this.close();
    this.#moveTo(index, null);
    this.pinned = true;
  }

  /** Selects the tokens from one to another, both included, in any order. */
  select(anchor: number, index: number): void {
    this.#moveTo(index, anchor);
  }

  close(): void {
    this.#cancel();
    this.index = null;
    this.row = null;
    this.#anchor = null;
    this.#wanted = null;
    this.pinned = false;
  }

  /** @param count tokens of the reply @returns whether the key was handled */
  key(key: string, count: number, { shift = false, rows = 0 }: KeyContext = {}): boolean {
    const next = this.#target(key, count);
    if (next !== null) {
      const wasPinned = this.pinned;
      this.#moveTo(next, shift ? (this.#anchor ?? this.index ?? next) : null);
      this.pinned = wasPinned && !shift;
      return true;
    }
    if ((key === 'ArrowDown' || key === 'ArrowUp') && this.pinned && rows > 0) {
      const first = key === 'ArrowDown' ? 0 : rows - 1;
      const step = key === 'ArrowDown' ? 1 : -1;
      this.row = this.row === null ? first : (this.row + step + rows) % rows;
      return true;
    }
    if (key !== 'Enter' || this.index === null || this.#anchor !== null) return false;
    if (this.pinned) this.pinned = false;
    else this.pin();
    return true;
  }

  #moveTo(index: number, anchor: number | null): void {
    this.#cancel();
    this.index = index;
    this.row = null;
    this.#anchor = anchor;
    this.#wanted = index;
    this.pinned = false;
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
