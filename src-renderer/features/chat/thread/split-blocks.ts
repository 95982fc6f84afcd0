import { tick } from 'svelte';
import { joinAfter } from './joined-lines.ts';
import type { NearbySource } from './nearby.ts';

/**
 * Joins what follows blocks that are split into tokens, or put together again: many rounded widths are not as wide as one,
 * so that a line may break elsewhere.
 */
export class SplitBlocks {
  readonly #split = new Set<Element>();
  /** Those whose successors have not been joined since. */
  readonly #changed = new Set<Element>();
  readonly #flow: () => HTMLElement | null;

  /** @param flow the blocks' parent; null while it has no width */
  constructor(flow: () => HTMLElement | null) {
    this.#flow = flow;
  }

  /** Passes on what `nearby` says, and takes note of it: blocks that are near are split. */
  watch(nearby: () => NearbySource): NearbySource {
    return {
      observe: (element, listener) => {
        const stop = nearby().observe(element, (near) => {
          listener(near);
          this.#note(element, near);
        });
        return () => {
          stop();
          this.#split.delete(element);
        };
      },
    };
  }

  /** After all of them have changed, for example to another view. */
  joinAll(): void {
    this.#joinAfter(this.#split);
  }

  #note(block: Element, isSplit: boolean): void {
    if (isSplit) this.#split.add(block);
    else this.#split.delete(block);
    if (this.#changed.size === 0) {
      void tick().then(() => {
        this.#joinAfter(this.#changed);
        this.#changed.clear();
      });
    }
    this.#changed.add(block);
  }

  #joinAfter(blocks: ReadonlySet<Element>): void {
    const flow = this.#flow();
    if (flow === null) return;
    for (const block of Array.from(flow.children)) if (blocks.has(block)) joinAfter(flow, block);
  }
}
