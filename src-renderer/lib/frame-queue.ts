import { nextFrame } from './next-frame.ts';

/** Share of a frame that queued work may take, ms. At least one piece is done per frame. */
const BUDGET_MS = 8;

interface Piece {
  /** The smallest goes first. */
  readonly order: number;
  readonly work: () => void;
}

/** Does work that can wait a few milliseconds per frame, so that no frame takes long. */
export class FrameQueue<Key> {
  readonly #pieces = new Map<Key, Piece>();
  readonly #frame: (callback: () => void) => void;
  readonly #now: () => number;
  #due = false;

  /** @param now in milliseconds */
  constructor(frame = nextFrame, now: () => number = () => performance.now()) {
    this.#frame = frame;
    this.#now = now;
  }

  /** Queues a piece of work. It replaces an earlier one with the same key. @param order the smallest goes first */
  add(key: Key, order: number, work: () => void): void {
    this.#pieces.set(key, { order, work });
    this.#schedule();
  }

  delete(key: Key): void {
    this.#pieces.delete(key);
  }

  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    this.#frame(() => this.#run());
  }

  #run(): void {
    this.#due = false;
    const until = this.#now() + BUDGET_MS;
    const inOrder = [...this.#pieces].sort(([, a], [, b]) => a.order - b.order);
    for (const [key, { work }] of inOrder) {
      this.#pieces.delete(key);
      work();
      if (this.#now() >= until) break;
    }
    if (this.#pieces.size > 0) this.#schedule();
  }
}
