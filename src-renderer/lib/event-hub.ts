import type { AppEvent } from '../../src-main/protocol/app/app-services.ts';

/** Kept for listeners that come late. */
const MAX_NOTICES = 50;

/**
 * Hands events to a page's listeners. One that comes late hears the present state (engine, read-only, host) and all
 * notices, so that it does not matter who listens first.
 */
export class EventHub {
  readonly #listeners = new Set<(event: AppEvent) => void>();
  /** The latest of each type that is a state. */
  readonly #state = new Map<AppEvent['type'], AppEvent>();
  readonly #notices = new Map<string, AppEvent>();

  get size(): number {
    return this.#listeners.size;
  }

  /** The state follows after the current task, as if it came from outside. @returns stops */
  listen(listener: (event: AppEvent) => void): () => void {
    // A function may listen twice.
    const own = (event: AppEvent) => listener(event);
    this.#listeners.add(own);
    queueMicrotask(() => {
      for (const event of [...this.#state.values(), ...this.#notices.values()]) {
        if (this.#listeners.has(own)) own(event);
      }
    });
    return () => void this.#listeners.delete(own);
  }

  /** A notice that was handed out already is left out: each new connection to the app begins with all of them. */
  emit(event: AppEvent): void {
    if (event.type === 'notice') {
      if (this.#notices.has(event.id)) return;
      this.#notices.set(event.id, event);
      const [oldest] = this.#notices.keys();
      if (this.#notices.size > MAX_NOTICES && oldest !== undefined) this.#notices.delete(oldest);
    }
    if (event.type === 'engine' || event.type === 'readOnly' || event.type === 'host') {
      this.#state.set(event.type, event);
    }
    for (const listener of [...this.#listeners]) listener(event);
  }
}
