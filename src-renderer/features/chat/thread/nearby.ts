/** Elements within this distance of the visible part count as near, px. */
const MARGIN = 800;

/** Reports when elements come near the visible part of a scroll container, and when they leave it. One shared observer. */
export class Nearby {
  readonly #observer: IntersectionObserver;
  readonly #listeners = new WeakMap<Element, (near: boolean) => void>();

  constructor(root: HTMLElement) {
    const tell = (entries: IntersectionObserverEntry[]) => {
      for (const { target, isIntersecting } of entries) this.#listeners.get(target)?.(isIntersecting);
    };
    this.#observer = new IntersectionObserver(tell, { root, rootMargin: `${MARGIN}px 0px` });
  }

  /** @returns unsubscribes */
  observe(element: Element, listener: (near: boolean) => void): () => void {
    this.#listeners.set(element, listener);
    this.#observer.observe(element);
    return () => {
      this.#listeners.delete(element);
      this.#observer.unobserve(element);
    };
  }

  disconnect(): void {
    this.#observer.disconnect();
  }
}
