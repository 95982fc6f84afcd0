import { untrack } from 'svelte';

/**
 * A derived value with very many readers: they are asked to update only when it has changed, not whenever it might have.
 * To be created while a component is initialised.
 */
export class Settled<T> {
  #current: T = $state.raw()!;

  constructor(read: () => T) {
    this.#current = untrack(read);
    $effect.pre(() => {
      this.#current = read();
    });
  }

  get current(): T {
    return this.#current;
  }
}
