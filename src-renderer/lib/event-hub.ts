import type { AppEvent } from '../../src-main/protocol/app/app-services.ts';

/** Stored for late listeners. */
const MAX_NOTICES = 50;

/**
 * Distributes events to a page's listeners. A late listener receives the current state (engine, read-only, host) and all
 * notices, so the order of subscription does not matter.
 */
export class EventHub {
  readonly #listeners = new Set<(event: AppEvent) => void>();
  /** The latest event of each type that represents a state. */
  readonly #state = new Map<AppEvent['type'], AppEvent>();
  readonly #notices = new Map<string, AppEvent>();

  get size(): number {
    return this.#listeners.size;
  }

  /** What a late listener must know. */
  get state(): AppEvent[] {
    return [...this.#state.values(), ...this.#notices.values()];
  }

  /** Delivers the state after the current task. @returns unsubscribes */
  listen(listener: (event: AppEvent) => void): () => void {
    // The same function may subscribe twice.
    const own = (event: AppEvent) => listener(event);
    this.#listeners.add(own);
    queueMicrotask(() => {
      for (const event of this.state) {
        if (this.#listeners.has(own)) own(event);
      }
    });
    return () => void this.#listeners.delete(own);
  }

  /** Skips notices that were already delivered: each new connection starts with all of them. */
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
