import { flushSync } from 'svelte';
import type { FrameQueue } from '../../../lib/frame-queue.ts';

/** Elements within this distance of the visible part count as near, px. */
const MARGIN = 800;

type Listener = (near: boolean) => void;

export interface NearbyOptions {
  /** Elements within this distance of the visible part count as near, px. */
  margin?: number;
  /** Spreads the changes over frames, the visible ones first; by default, all are made at once. */
  queue?: FrameQueue<Element> | null;
}

/** Reports to elements whether they are near. */
export type NearbySource = Pick<Nearby, 'observe'>;

/** Nothing is near: texts are not split into tokens. */
export const NOTHING_NEARBY: NearbySource = { observe: () => () => undefined };

/** Reports when elements come near the visible part of a scroll container, and when they leave it. One shared observer. */
export class Nearby {
  readonly #observer: IntersectionObserver;
  readonly #listeners = new WeakMap<Element, Listener>();
  readonly #queue: FrameQueue<Element> | null;

  constructor(root: HTMLElement, { margin = MARGIN, queue = null }: NearbyOptions = {}) {
    this.#queue = queue;
    this.#observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#report(entry, margin)), {
      root,
      rootMargin: `${margin}px 0px`,
    });
  }

  /** @returns unsubscribes */
  observe(element: Element, listener: Listener): () => void {
    this.#listeners.set(element, listener);
    this.#observer.observe(element);
    return () => {
      this.#listeners.delete(element);
      this.#queue?.delete(element);
      this.#observer.unobserve(element);
    };
  }

  disconnect(): void {
    this.#observer.disconnect();
  }

  #report(entry: IntersectionObserverEntry, margin: number): void {
    const { target, isIntersecting } = entry;
    const listener = this.#listeners.get(target);
    if (listener === undefined) return;
    if (this.#queue === null) listener(isIntersecting);
    // Flushed at once, so that the queue sees how long it takes.
    else this.#queue.add(target, distanceOf(entry, margin), () => flushSync(() => listener(isIntersecting)));
  }
}

/** From the middle of the visible part, px; of what is no longer near, more than of anything that is. */
function distanceOf({ isIntersecting, rootBounds, boundingClientRect }: IntersectionObserverEntry, margin: number) {
  if (!isIntersecting || rootBounds === null) return Number.MAX_SAFE_INTEGER;
  const [top, bottom] = [rootBounds.top + margin, rootBounds.bottom - margin];
  return Math.max(0, top - boundingClientRect.bottom, boundingClientRect.top - bottom);
}
