/** A turn to show and, if it was searched for, what to mark in it. */
export interface JumpTarget {
  readonly chatId: string;
  readonly turn: string;
  readonly query: string;
  /** Which of its marks to show, from 0; the focus stays where it is. Without it, the first, and the turn is focused. */
  readonly occurrence?: number;
}

/** Asks the thread to scroll to a turn. */
export class ThreadJump {
  #target = $state.raw<JumpTarget | null>(null);

  get target(): JumpTarget | null {
    return this.#target;
  }

  to(target: JumpTarget): void {
    this.#target = target;
  }

  /** The thread shows it. */
  done(): void {
    this.#target = null;
  }
}
