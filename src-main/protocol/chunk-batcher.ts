/**
 * Gathers the events of one stream into chunks. Time is read at every event rather than left to a timer, because a
 * thread that generates tokens runs its timers late; the timer only carries the tail.
 */
export interface BatcherOptions {
  /** Chunks that may be sent before more credit arrives. */
  credit: number;
  /** Events that follow each other faster than this share a chunk, ms; 0 sends each event at once. */
  flushMs?: number;
  /**
   * The thread computes between events and hears its timers late: an event waits for others only where the next is
   * expected in time, as long after it as it came after the one before. Default false.
   */
  lookAhead?: boolean;
  /** Monotonic time, ms. */
  now?: () => number;
}

/** About one frame of a 60 Hz screen. */
export const DEFAULT_FLUSH_MS = 16;

export class ChunkBatcher {
  readonly #send: (events: unknown[]) => void;
  readonly #flushMs: number;
  readonly #lookAhead: boolean;
  readonly #now: () => number;
  readonly #kindsSeen = new Set<unknown>();
  #queue: unknown[] = [];
  #credit: number;
  #lastFlush = -Infinity;
  #lastPush = -Infinity;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #finish: (() => void) | null = null;

  constructor(send: (events: unknown[]) => void, options: BatcherOptions) {
    this.#send = send;
    this.#credit = options.credit;
    this.#flushMs = options.flushMs ?? DEFAULT_FLUSH_MS;
    this.#lookAhead = options.lookAhead ?? false;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The first event of each kind (start, first token, end) goes out at once; the others wait for their frame. */
  push(event: unknown): void {
    this.#queue.push(event);
    const kind = kindOf(event);
    const isNew = !this.#kindsSeen.has(kind);
    this.#kindsSeen.add(kind);
    const now = this.#now();
    const interval = now - this.#lastPush;
    this.#lastPush = now;
    const wait = this.#flushMs - (now - this.#lastFlush);
    if (isNew || wait <= 0 || (this.#lookAhead && interval > wait)) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), wait);
  }

  addCredit(chunks: number): void {
    this.#credit += chunks;
    this.#flush();
  }

  /** Calls `done` once everything has been sent: now, or when credit allows. Nothing may be pushed afterwards. */
  finish(done: () => void): void {
    this.#finish = done;
    this.#flush();
  }

  /** The stream breaks off: sends what is queued, with or without credit. */
  drain(): void {
    this.#finish = null;
    this.#credit = Infinity;
    this.#flush();
  }

  #flush(): void {
    this.#stopTimer();
    if (this.#queue.length > 0) {
      if (this.#credit <= 0) return;
      const events = this.#queue;
      this.#queue = [];
      this.#credit--;
      this.#lastFlush = this.#now();
      this.#send(events);
    }
    const finish = this.#finish;
    this.#finish = null;
    finish?.();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function kindOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined;
}
