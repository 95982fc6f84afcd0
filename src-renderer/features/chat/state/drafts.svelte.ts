import { SvelteMap } from 'svelte/reactivity';

const STORAGE_KEY = 'tokenscope.drafts';
const SAVE_AFTER_MS = 300;
/** Older drafts than these are discarded. */
const MAX_DRAFTS = 100;
/** Longer ones are only in memory: browsers limit what a page stores. UTF-16 units. */
const MAX_STORED = 200_000;

type Stored = Record<string, string>;
type DraftStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** Unsent texts by chat. They survive a restart. */
export class Drafts {
  readonly #texts = new SvelteMap<string, string>();
  readonly #storage: DraftStorage | null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param storage null: they only last as long as the page */
  constructor(storage: DraftStorage | null) {
    this.#storage = storage;
    for (const [id, text] of Object.entries(this.#stored())) this.#texts.set(id, text);
  }

  get(id: string): string {
    return this.#texts.get(id) ?? '';
  }

  set(id: string, text: string): void {
    if (text === '') this.#texts.delete(id);
    else this.#texts.set(id, text);
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  /** Moves the text of one chat to another. */
  move(from: string, to: string): void {
    const text = this.get(from);
    if (text === '') return;
    this.set(from, '');
    this.set(to, text);
  }

  /** Stores what changed now. Drafts that another page changed are kept. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#storage === null || this.#changed.size === 0) return;
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- only until it is stored
    const drafts = new Map(Object.entries(this.#stored()));
    for (const id of this.#changed) {
      const text = this.get(id);
      // Moves it to the end: the newest come last.
      drafts.delete(id);
      if (text !== '' && text.length <= MAX_STORED) drafts.set(id, text);
    }
    try {
      this.#storage.setItem(STORAGE_KEY, JSON.stringify(Object.fromEntries([...drafts].slice(-MAX_DRAFTS))));
      this.#changed.clear();
    } catch {
      // The storage is full or blocked. They stay in memory, and the next change tries again.
    }
  }

  #stored(): Stored {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(STORAGE_KEY) ?? '{}');
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
      return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
    } catch {
      return {};
    }
  }
}
