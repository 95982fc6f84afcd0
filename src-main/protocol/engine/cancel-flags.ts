/**
 * Cancelling without a message loop. The thread beside the engine writes the id of a cancelled request to shared memory;
 * the engine reads it between tokens, however busy its event loop is.
 */
import type { CancelToken } from '../../engine/api/platform.ts';

/** Slots of the ring. Request `id` uses slot `id % SLOTS`, so that requests in flight do not overwrite each other. */
const SLOTS = 64;

export class CancelFlags {
  /** `[SLOTS]`: id of the request last cancelled in each slot; 0 is none. */
  readonly #slots: Int32Array;

  /** @param memory Shared with the engine's thread; without it, flags work inside one thread only. */
  constructor(memory: SharedArrayBuffer | null = null) {
    this.#slots = memory === null ? new Int32Array(SLOTS) : new Int32Array(memory, 0, SLOTS);
  }

  /** Memory for one connection. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
  }

  /** @param id A request's id, 1..2^31-1. */
  cancel(id: number): void {
    Atomics.store(this.#slots, id % SLOTS, id);
  }

  isCancelled(id: number): boolean {
    return Atomics.load(this.#slots, id % SLOTS) === id;
  }
}

/**
 * One request's token. A cancel that was seen once is permanent, so a later request in the same slot cannot undo it;
 * `cancel()` is for cancelling by message, which also works without shared memory.
 */
export class RequestCancelToken implements CancelToken {
  #cancelled = false;
  readonly #listeners = new Set<() => void>();
  readonly #id: number;
  readonly #flags: CancelFlags | null;

  constructor(id: number, flags: CancelFlags | null) {
    this.#id = id;
    this.#flags = flags;
  }

  get cancelled(): boolean {
    this.#cancelled ||= this.#flags?.isCancelled(this.#id) ?? false;
    return this.#cancelled;
  }

  cancel(): void {
    this.#cancelled = true;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called for a cancel by message only. */
  onCancel(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
