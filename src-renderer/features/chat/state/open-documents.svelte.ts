import { SvelteMap } from 'svelte/reactivity';
import type { ChatNews } from '../../../../src-main/protocol/app/chats/chat.ts';
import { newId } from '../../../lib/new-id.ts';
import type { PageServices } from '../../../lib/services.ts';
import { isNew, Outbox, type SavedDocument } from './outbox.svelte.ts';
import type { Reply } from './reply.svelte.ts';
import type { LoadDetails } from './token-details.svelte.ts';

/** A chat or a notebook. */
export interface OpenDocument extends SavedDocument {
  readonly title: string;
  loadDetails: LoadDetails | null;
  /** The reply that is being generated in it. */
  writing: Reply | null;
  noteReply(reply: Reply): void;
}

export interface Opened<Doc> {
  readonly document: Doc;
  readonly outbox: Outbox;
}

/** A document with changes that could not be saved yet. */
export interface UnsavedChat {
  readonly id: string;
  readonly title: string;
  /** Why saving failed. */
  readonly problem: string;
}

/** The document on screen, and those that are needed: with a running reply, unsaved changes, or something that waits. */
export class OpenDocuments<Doc extends OpenDocument> {
  /** Identifies this page's writes. */
  readonly origin = newId();
  readonly #services: PageServices;
  readonly #isShown: (document: Doc) => boolean;
  readonly #isNeeded: (document: Doc) => boolean;
  readonly #onChange: (document: Doc) => void;
  readonly #open = new SvelteMap<string, Opened<Doc>>();
  /** Newest revisions that were reported of those that are not open: one may be on its way here without them. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #missed = new Map<string, number>();

  /** @param onChange this page changed one @param isNeeded something waits for it, although it is not on screen */
  constructor(parts: {
    services: PageServices;
    isShown: (document: Doc) => boolean;
    isNeeded?: (document: Doc) => boolean;
    onChange?: (document: Doc) => void;
  }) {
    this.#services = parts.services;
    this.#isShown = parts.isShown;
    this.#isNeeded = parts.isNeeded ?? (() => false);
    this.#onChange = parts.onChange ?? (() => undefined);
  }

  get all(): readonly Opened<Doc>[] {
    return [...this.#open.values()];
  }

  get(id: string): Opened<Doc> | undefined {
    return this.#open.get(id);
  }

  /** Those that could not be saved. */
  get unsaved(): readonly UnsavedChat[] {
    return this.all.flatMap(({ document, outbox }) =>
      outbox.problem === null ? [] : [{ id: document.id, title: document.title, problem: outbox.problem }],
    );
  }

  /** Opens one, and releases those that are no longer needed. */
  show(document: Doc): void {
    this.#keep(document);
    this.release();
  }

  /** One that was removed, with the unsaved changes in its outbox. */
  putBack(opened: Opened<Doc>): void {
    this.#open.set(opened.document.id, opened);
    opened.outbox.reopen();
    this.#readMissed(opened);
  }

  delete(id: string): void {
    this.#open.delete(id);
  }

  /** Saves a running reply as it grows. @returns to call when it grew, and when it ended */
  follow(document: Doc, reply: Reply): { grew(): void; ended(): void } {
    document.writing = reply;
    const { outbox } = this.#keep(document);
    outbox.follow(reply);
    return {
      grew: () => outbox.grew(),
      ended: () => {
        outbox.unfollow();
        document.noteReply(reply);
        document.writing = null;
      },
    };
  }

  /** Another page has written. */
  hear(news: ChatNews): void {
    const open = this.#open.get(news.id);
    if (open !== undefined) open.outbox.hear(news);
    else if (news.origin !== this.origin) this.#missed.set(news.id, news.revision);
  }

  /** Retries saving one now. */
  async retry(id: string): Promise<void> {
    await this.#open.get(id)?.outbox.retry();
  }

  /** Saves everything that is not saved yet. */
  async flush(): Promise<void> {
    await Promise.all(this.all.map(({ outbox }) => outbox.flush()));
  }

  /** The page is closing: sends unsaved changes without waiting. */
  flushLast(): void {
    for (const { outbox } of this.all) outbox.flushLast();
  }

  /** Events may have been missed, for example during sleep. */
  catchUp(): void {
    for (const { outbox } of this.all) outbox.catchUp();
  }

  detailsOf(id: string): LoadDetails {
    return (turn, from, count) => this.#services.invoke('chatDetails', { id, turn, from, count });
  }

  /** Releases those that are fully saved, not on screen and not needed. */
  release(): void {
    for (const [id, { document, outbox }] of this.#open) {
      if (this.#isShown(document) || document.writing !== null || this.#isNeeded(document)) continue;
      if (outbox.idle || isNew(document)) this.#open.delete(id);
    }
  }

  #keep(document: Doc): Opened<Doc> {
    const known = this.#open.get(document.id);
    if (known !== undefined) return known;
    document.loadDetails ??= this.detailsOf(document.id);
    const outbox = new Outbox({
      services: this.#services,
      chat: document,
      origin: this.origin,
      onChange: () => this.#onChange(document),
      onIdle: () => this.release(),
    });
    const opened = { document, outbox };
    this.#open.set(document.id, opened);
    this.#readMissed(opened);
    return opened;
  }

  /** Reads what others wrote while it was not open. */
  #readMissed({ document, outbox }: Opened<Doc>): void {
    const missed = this.#missed.get(document.id) ?? 0;
    this.#missed.delete(document.id);
    if (missed > document.revision) outbox.catchUp();
  }
}
