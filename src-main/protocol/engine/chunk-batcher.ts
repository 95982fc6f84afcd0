/**
 * Combines the events of a stream into chunks, because each message costs the computing thread time. It reads the time at
 * every event instead of relying on a timer, because that thread runs its timers late; the timer only sends the tail.
 */
export interface BatcherOptions {
  /** Chunks that may be sent before more credit arrives. */
  credit: number;
  /** Events closer together than this share a chunk, ms; 0 sends each event at once. */
  flushMs?: number;
  /** Number of tokens to wait for, at most `flushMs`, before the first are sent. Default 1. */
  firstTokens?: number;
  /** Maximum events that wait for credit before their producer must wait, too. */
  maxWaiting?: number;
  /** Monotonic time, ms. */
  now?: () => number;
}

/** About one frame of a 60 Hz screen. */
const DEFAULT_FLUSH_MS = 16;
/** Far more than a briefly busy page leaves unread, and a few megabytes with all candidates. */
export const MAX_WAITING = 1024;

export class ChunkBatcher {
  readonly #send: (events: unknown[]) => void;
  readonly #flushMs: number;
  readonly #now: () => number;
  readonly #firstTokens: number;
  /** Events of each kind so far. */
  readonly #counts = new Map<unknown, number>();
  #maxWaiting: number;
  #queue: unknown[] = [];
  #credit: number;
  #lastFlush = -Infinity;
  #lastPush = -Infinity;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #finish: (() => void) | null = null;
  /** Resumes the waiting producer. */
  #proceed: (() => void) | null = null;

  constructor(send: (events: unknown[]) => void, options: BatcherOptions) {
    this.#send = send;
    this.#credit = options.credit;
    this.#flushMs = options.flushMs ?? DEFAULT_FLUSH_MS;
    this.#firstTokens = options.firstTokens ?? 1;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * The first event of each kind (start, token, end) is sent at once. Another one waits for more only if the next is
   * expected in time, judging by the last interval.
   */
  push(event: unknown): void {
    this.#queue.push(event);
    const kind = kindOf(event);
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const now = this.#now();
    const interval = now - this.#lastPush;
    this.#lastPush = now;
    const wait = this.#flushMs - (now - this.#lastFlush);
    const needed = kind === 'token' ? this.#firstTokens : 1;
    if (count < needed) this.#timer ??= setTimeout(() => this.#flush(), this.#flushMs);
    else if (count === needed || wait <= 0 || interval > wait) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), wait);
  }

  /** Null if there is space for more events, else a promise that resolves when there is. */
  room(): Promise<void> | null {
    return this.#queue.length < this.#maxWaiting ? null : new Promise((resolve) => (this.#proceed = resolve));
  }

  addCredit(chunks: number): void {
    this.#credit += chunks;
    this.#flush();
  }

  /** Calls `done` once everything has been sent: now, or when credit allows. Must be the last call. */
  finish(done: () => void): void {
    this.#finish = done;
    this.#flush();
  }

  /** Lets a waiting producer continue, so that a cancelled stream can end. */
  stopWaiting(): void {
    this.#maxWaiting = Infinity;
    this.#resume();
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
    this.#resume();
    const finish = this.#finish;
    this.#finish = null;
    finish?.();
  }

  #resume(): void {
    const proceed = this.#proceed;
    this.#proceed = null;
    proceed?.();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function kindOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined;
}
