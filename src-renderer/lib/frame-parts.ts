import { afterDrawing } from './after-drawing.ts';

/** Time that computing and drawing a frame may take before the next one draws less, ms: not yet a long task. */
const LONG_MS = 32;
/** After a shorter frame, the next one draws more, ms. */
const SHORT_MS = 16;

interface Parts {
  /** In milliseconds. */
  now?: () => number;
  /** Calls back when the frame that is running has been drawn. */
  drawn?: (callback: () => void) => void;
}

/** How many of several parts of the page a frame draws: a quarter at first, fewer after a long one, more after a short one. */
export class FrameParts {
  readonly #all: number;
  readonly #now: () => number;
  readonly #drawn: (callback: () => void) => void;
  #most: number;

  constructor(all: number, { now = () => performance.now(), drawn = afterDrawing }: Parts = {}) {
    this.#all = all;
    this.#most = Math.ceil(all / 4);
    this.#now = now;
    this.#drawn = drawn;
  }

  /** Number of parts that the next frame may draw, at least 1. */
  get most(): number {
    return this.#most;
  }

  /** The same as a share of all parts. */
  get share(): number {
    return this.#most / this.#all;
  }

  /** Call it in a frame, before anything is changed. */
  measure(): void {
    const began = this.#now();
    this.#drawn(() => {
      const took = this.#now() - began;
      if (took > LONG_MS) this.#most = Math.max(1, Math.floor(this.#most / 2));
      else if (took < SHORT_MS) this.#most = Math.min(this.#all, this.#most + 1);
    });
  }
}
