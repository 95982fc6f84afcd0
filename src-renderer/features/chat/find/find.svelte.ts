import { typedOf } from '../attachments/message-text.ts';
import type { ChatDocument, ChatTurn } from '../state/chat-document.svelte.ts';
import { Reply } from '../state/reply.svelte.ts';
import type { ThreadJump } from '../state/thread-jump.svelte.ts';
import { occurrences, searchable } from './searchable.ts';

/** Texts are counted for this long before the page gets its turn, ms. */
const SLICE_MS = 8;

interface FindParts {
  readonly chats: { readonly current: ChatDocument };
  readonly jump: Pick<ThreadJump, 'to'>;
  /** Replies are shown as they were generated. */
  isRaw(): boolean;
  /** Markdown as the page shows it. */
  asShown(markdown: string): Promise<string>;
}

/** Where a text is in a chat: in which turn, at which index of the path, and how often. */
export interface TurnHits {
  readonly turn: string;
  readonly index: number;
  readonly count: number;
}

/** Where a search begins: what is at the top of the view. */
export interface FindOrigin {
  /** Index of the turn on the path. */
  readonly index: number;
  /** Number of occurrences of a text in that turn that are above the view. */
  above(query: string): number;
}

/**
 * Finds a text in the shown path of the open chat, also in turns that are not in the DOM. Found is what the page shows:
 * formatted replies without their syntax, raw ones with it, and reasoning while it is unfolded.
 */
export class FindInChat {
  isOpen = $state(false);
  /** Counts how often it was opened, so that the field takes the focus again. */
  opened = $state(0);
  hits = $state.raw<readonly TurnHits[]>([]);
  /** Not all turns have been looked at, or none for the present query. */
  counting = $state(false);
  #query = $state('');
  /** The current occurrence, from 0. */
  #at = $state(0);
  /** Text of replies as formatted, with the source that it is of. */
  readonly #shown = new WeakMap<Reply, { source: string; text: string }>();
  readonly #parts: FindParts;
  #run = 0;
  /** The latest count. */
  #latest: Promise<void> = Promise.resolve();
  #look: () => FindOrigin | null = () => null;
  /** The next count goes to an occurrence. */
  #begins = false;
  /** Kept while the query is typed, so that it does not wander. */
  #origin: FindOrigin | null = null;

  readonly total = $derived.by(() => this.hits.reduce((sum, { count }) => sum + count, 0));
  /** The current occurrence: its turn, and its number in that turn, from 0. */
  readonly current = $derived.by((): { turn: string; occurrence: number } | null => {
    let before = 0;
    for (const { turn, count } of this.hits) {
      if (this.#at < before + count) return { turn, occurrence: this.#at - before };
      before += count;
    }
    return null;
  });

  constructor(parts: FindParts) {
    this.#parts = parts;
  }

  get query(): string {
    return this.#query;
  }

  set query(query: string) {
    if (query === this.#query) return;
    this.#query = query;
    this.#begins = true;
    this.counting = true;
  }

  /** Number of the current occurrence, from 1; 0: there is none. */
  get place(): number {
    return this.current === null ? 0 : this.#at + 1;
  }

  show(): void {
    this.#begins ||= !this.isOpen;
    this.isOpen = true;
    this.opened++;
    this.#origin = null;
  }

  /** @param look what the thread shows now; null: nothing */
  follow(look: () => FindOrigin | null): void {
    this.#look = look;
    this.#origin = null;
    this.#begins = true;
  }

  close(): void {
    this.isOpen = false;
    this.hits = [];
    this.#run++;
  }

  /** Goes to the next or previous occurrence, around the ends. */
  move(by: 1 | -1): void {
    if (this.total === 0) return;
    this.#at = (this.#at + by + this.total) % this.total;
    this.#origin = null;
    this.goTo();
  }

  /** As `move`, but first counts a query that was just typed. If it changes meanwhile, nothing moves. */
  async countAndMove(by: 1 | -1): Promise<void> {
    const { query } = this;
    if (this.#begins) await this.count();
    if (query === this.query) this.move(by);
  }

  #firstFrom({ index, above }: FindOrigin): number {
    let before = 0;
    for (const hit of this.hits) {
      const passed = hit.index < index ? hit.count : hit.index === index ? above(this.query) : 0;
      if (passed < hit.count) return before + passed;
      before += hit.count;
    }
    return 0;
  }

  /** Scrolls to the current occurrence. */
  goTo(): void {
    const { current } = this;
    if (current === null) return;
    const { id } = this.#parts.chats.current;
    this.#parts.jump.to({ chatId: id, turn: current.turn, query: this.query, occurrence: current.occurrence });
  }

  /**
   * Counts again: another query, another path, or more text. A later call replaces earlier ones, and all resolve when it
   * is done. After another query, goes to the first occurrence from the top of the view, around the end.
   */
  async count(): Promise<void> {
    let counting = this.#countOnce();
    this.#latest = counting;
    await counting;
    while (this.#latest !== counting) {
      counting = this.#latest;
      await counting;
    }
  }

  async #countOnce(): Promise<void> {
    const run = ++this.#run;
    const { query } = this;
    // Another query is counted by its own call.
    const isOver = () => run !== this.#run || query !== this.query;
    const hits: TurnHits[] = [];
    this.counting = true;
    let since = performance.now();
    if (query.trim() !== '') {
      for (const [index, turn] of this.#parts.chats.current.path.entries()) {
        const count = await this.#countIn(turn, query);
        if (isOver()) return;
        if (count > 0) hits.push({ turn: turn.id, index, count });
        if (performance.now() - since > SLICE_MS) {
          await new Promise((resolve) => setTimeout(resolve));
          if (isOver()) return;
          since = performance.now();
        }
      }
    }
    this.hits = hits;
    this.counting = false;
    if (this.#begins && query.trim() !== '') {
      this.#begins = false;
      this.#origin ??= this.#look();
      this.#at = this.#origin === null ? 0 : this.#firstFrom(this.#origin);
      this.goTo();
    }
    if (this.#at >= this.total) this.#at = Math.max(0, this.total - 1);
  }

  async #countIn(turn: ChatTurn, query: string): Promise<number> {
    // Not in attached files, whose text is not marked.
    if (!(turn instanceof Reply)) return occurrences(searchable(typedOf(turn)), query).length;
    const raw = turn.raw ?? this.#parts.isRaw();
    let count = 0;
    for (const { kind, blocks } of turn.sections) {
      if (kind === 'reasoning' && !turn.reasoningOpen) continue;
      const source = turn.slice(blocks[0].from, blocks[blocks.length - 1].to);
      const text = raw || kind === 'reasoning' ? source : await this.#asShown(turn, source, query);
      count += occurrences(searchable(text), query).length;
    }
    return count;
  }

  /** Parses only what may contain the query. */
  async #asShown(reply: Reply, source: string, query: string): Promise<string> {
    if (!mayContain(source, query)) return '';
    const known = this.#shown.get(reply);
    if (known?.source === source) return known.text;
    const text = await this.#parts.asShown(source);
    this.#shown.set(reply, { source, text });
    return text;
  }
}

/** Formatting removes signs. Only escapes and character references become other characters. */
function mayContain(source: string, query: string): boolean {
  if (/[&\\]/u.test(source)) return true;
  const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  return letters(source).includes(letters(query));
}
