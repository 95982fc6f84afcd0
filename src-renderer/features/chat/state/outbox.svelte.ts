import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import {
  MAX_EVENTS_PER_WRITE,
  TOKENS_PER_EVENT,
  type ChatEvent,
  type ChatNews,
  type DetailsChunk,
  type StoredChat,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import type { PageServices } from '../../../lib/services.ts';
import { mergedUpdate } from '../../../../src-main/protocol/app/chats/notebook.ts';
import type { ChatSink, SaveState } from './chat-document.svelte.ts';
import { now } from './identity.ts';
import type { Reply } from './reply.svelte.ts';
import { tokensIn } from './token-chunks.ts';

/** Save interval of a running reply, ms: a crash loses at most this much. */
const REPLY_EVERY_MS = 500;
/** Debounce delay for typed text, ms. */
const TYPED_AFTER_MS = 600;
/** Retry delays after failures, ms; the last one repeats. */
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

interface Item {
  readonly event: ChatEvent;
  /** Details of the event's tokens. */
  readonly details: DetailsChunk | null;
}

/** What is saved: a chat or a notebook. */
export interface SavedDocument {
  readonly id: string;
  /** Revision of the store up to which it has all events. */
  revision: number;
  /** Whether there is something to save, also if it is not on screen. */
  readonly hasContent: boolean;
  sink: ChatSink | null;
  /** Applies events of other pages. @param own unsaved events of this page, which win */
  receive(events: readonly ChatEvent[], own?: readonly ChatEvent[]): void;
  merge(stored: StoredChat, own?: readonly ChatEvent[]): void;
}

/** It was never stored, and has nothing to store: only this page knows it. */
export function isNew({ hasContent, revision }: Pick<SavedDocument, 'hasContent' | 'revision'>): boolean {
  return !hasContent && revision === 0;
}

/**
 * This page's unsaved changes to a chat, in order. One write runs at a time; its answer contains what others wrote. An
 * event stays in the outbox until the store has it, however often writing fails. Events may arrive twice, so a write
 * without an answer is simply repeated.
 */
export class Outbox implements ChatSink {
  state = $state.raw<SaveState>('saved');

  readonly #services: Pick<PageServices, 'invoke' | 'invokeLast'>;
  readonly #chat: SavedDocument;
  readonly #origin: string;
  readonly #onChange: () => void;
  readonly #onIdle: () => void;
  #items: Item[] = [];
  /** How many of them are being written. */
  #sent = 0;
  #reply: Reply | null = null;
  #lastCollected = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #typed: ReturnType<typeof setTimeout> | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #failures = 0;
  /** The newest revision by others that was reported. */
  #heard = 0;
  #running: Promise<void> | null = null;
  #closed = false;
  /** Another page deleted the chat. It is only restored on request. */
  #isGone = false;
  #restores = false;

  /** @param onChange this page changed the chat @param onIdle everything is saved */
  constructor(parts: {
    services: Pick<PageServices, 'invoke' | 'invokeLast'>;
    chat: SavedDocument;
    origin: string;
    onChange: () => void;
    onIdle: () => void;
  }) {
    this.#services = parts.services;
    this.#chat = parts.chat;
    this.#origin = parts.origin;
    this.#onChange = parts.onChange;
    this.#onIdle = parts.onIdle;
    this.#chat.sink = this;
  }

  /** Everything is saved and no reply is running. */
  get idle(): boolean {
    return !this.hasUnsaved && this.#running === null;
  }

  /** Whether this page has, or will have, what the store does not. False while it only reads what others wrote. */
  get hasUnsaved(): boolean {
    return this.#items.length > 0 || this.#reply !== null;
  }

  get problem(): string | null {
    return typeof this.state === 'string' ? null : this.state.problem;
  }

  /** Queues an event. It is written after the current task, or a little later for typed text. */
  push(event: ChatEvent): void {
    this.#collect();
    this.#add(event);
    if (this.#waits) return;
    this.#onChange();
    if (this.state === 'saved') this.state = 'saving';
    // After a failure, the next attempt includes it.
    if (this.#retry !== null) return;
    const isTyped = event.type === 'update' || (event.type === 'facts' && event.facts.systemPrompt !== undefined);
    if (isTyped) this.#typed ??= setTimeout(() => void this.flush(), TYPED_AFTER_MS);
    else queueMicrotask(() => void this.flush());
  }

  /** Saves a reply while it runs. */
  follow(reply: Reply): void {
    this.#reply = reply;
    this.#lastCollected = Date.now();
    this.#plan();
  }

  /** The followed reply grew. Timers are throttled in a hidden page, but tokens still arrive. */
  grew(): void {
    if (this.#retry === null && Date.now() - this.#lastCollected >= REPLY_EVERY_MS) void this.flush();
  }

  /** The followed reply has ended. Its last tokens are written with its facts. */
  unfollow(): void {
    this.#collect();
    this.#reply = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Handles a write by this page or another one. */
  hear(news: ChatNews): void {
    if (news.origin === this.#origin || news.revision <= this.#chat.revision) return;
    if (this.#running === null && news.from === this.#chat.revision) {
      this.#chat.receive(news.events, this.#eventsFrom(0));
      this.#chat.revision = news.revision;
      return;
    }
    this.#heard = Math.max(this.#heard, news.revision);
    if (this.#retry === null) void this.flush();
  }

  /** Requests what others wrote, if events may have been missed. */
  catchUp(): void {
    if (this.#chat.revision === 0) return;
    this.#heard = Math.max(this.#heard, this.#chat.revision + 1);
    void this.flush();
  }

  /** Retries on request. This also restores a chat that another page deleted. */
  async retry(): Promise<void> {
    await this.#running;
    this.#restores = this.#isGone;
    await this.flush();
  }

  /** Saves everything now. Never rejects: see `state`. */
  flush(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    if (this.#typed !== null) clearTimeout(this.#typed);
    this.#typed = null;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The page is closing: sends unsaved events without waiting. Token details are too large for that. */
  flushLast(): void {
    this.#collect();
    if (this.#closed || this.#waits || this.#items.length === 0) return;
    const events = this.#items.slice(0, MAX_EVENTS_PER_WRITE).map(({ event }) => event);
    const { id, revision: base } = this.#chat;
    const write = { id, base, origin: this.#origin, events, details: [] };
    // The events stay here in case the page is not closed after all.
    this.#services.invokeLast('chatWrite', write).catch(() => undefined);
  }

  /** Stops writing, for a deleted chat. `reopen` resumes. */
  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  reopen(): void {
    this.#closed = false;
    void this.flush();
  }

  /** A new chat is saved with its first turn. */
  get #waits(): boolean {
    return isNew(this.#chat);
  }

  async #run(): Promise<void> {
    // Events of the same task go into the same write.
    await Promise.resolve();
    try {
      if (this.#restores) await this.#services.invoke('chatRestore', this.#chat.id);
      this.#restores = false;
      while (!this.#closed && !this.#waits) {
        this.#collect();
        if (this.#items.length > 0) await this.#write();
        else if (this.#heard > this.#chat.revision) await this.#catchUp();
        else break;
      }
      this.#failures = 0;
      this.#isGone = false;
      this.#running = null;
      this.state = 'saved';
      this.#plan();
      if (this.idle) this.#onIdle();
    } catch (thrown) {
      this.#running = null;
      this.#sent = 0;
      const error = EngineError.from(thrown);
      this.#isGone = error.code === 'CHAT_NOT_FOUND';
      const problem = this.#isGone
        ? 'This chat was deleted in another window. Try again to restore it.'
        : error.message;
      this.state = this.#items.length > 0 ? { problem } : 'saved';
      // Without anything to save, only the store's news of a restored chat matter.
      if (this.#closed || (this.#isGone && !this.hasUnsaved)) return;
      const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
      this.#retry = setTimeout(() => void this.flush(), wait);
    }
  }

  async #write(): Promise<void> {
    let count = 0;
    for (let tokens = 0; count < Math.min(this.#items.length, MAX_EVENTS_PER_WRITE); count++) {
      const { event } = this.#items[count];
      if (event.type === 'tokens') tokens += event.tokens.ids.length;
      if (tokens > TOKENS_PER_EVENT && count > 0) break;
    }
    const batch = this.#items.slice(0, count);
    const { id, revision: base } = this.#chat;
    this.#sent = count;
    const written = await this.#services.invoke('chatWrite', {
      id,
      base,
      origin: this.#origin,
      events: batch.map(({ event }) => event),
      details: batch.flatMap(({ details }) => (details === null ? [] : [details])),
    });
    if (written.missed === null) await this.#readAgain(count);
    else this.#chat.receive(written.missed, this.#eventsFrom(0));
    this.#items.splice(0, count);
    this.#sent = 0;
    this.#chat.revision = Math.max(this.#chat.revision, written.revision);
  }

  async #catchUp(): Promise<void> {
    const update = await this.#services.invoke('chatSince', this.#chat.id, this.#chat.revision);
    if (update === null) {
      await this.#readAgain(0);
    } else {
      // This page may have changed something meanwhile.
      this.#chat.receive(update.events, this.#eventsFrom(0));
      this.#chat.revision = update.revision;
    }
    this.#heard = this.#chat.revision;
  }

  /** @param written how many of the items the store has */
  async #readAgain(written: number): Promise<void> {
    const stored = await this.#services.invoke('chatGet', this.#chat.id);
    if (stored !== null) this.#chat.merge(stored, this.#eventsFrom(written));
  }

  /** Events of this page that are not saved yet, without the first ones. */
  #eventsFrom(first: number): ChatEvent[] {
    return this.#items.slice(first).map(({ event }) => event);
  }

  /** Merges consecutive facts, or changes of a text, into one event. */
  #add(event: ChatEvent): void {
    const last = this.#items.at(-1)?.event;
    if (event.type === 'facts' && last?.type === 'facts' && this.#items.length > this.#sent) {
      this.#items[this.#items.length - 1] = {
        event: { ...event, facts: { ...last.facts, ...event.facts } },
        details: null,
      };
    } else if (event.type === 'update' && last?.type === 'update' && this.#items.length > this.#sent) {
      const update = mergedUpdate([last.update, event.update]);
      this.#items[this.#items.length - 1] = { event: { ...event, update }, details: null };
    } else {
      this.#items.push({ event, details: null });
    }
  }

  /** Collects the new tokens of the running reply. */
  #collect(): void {
    const reply = this.#reply;
    if (reply === null) return;
    this.#lastCollected = Date.now();
    const added = reply.takeNew();
    if (added === null) return;
    for (const chunk of tokensIn(added, TOKENS_PER_EVENT)) {
      const { from, text, tokens, details } = chunk;
      this.#items.push({
        event: { type: 'tokens', turn: reply.id, from, text, tokens, at: now() },
        details: details.length === 0 ? null : { turn: reply.id, from, details },
      });
    }
  }

  #plan(): void {
    if (this.#reply === null || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#retry === null) void this.flush();
      this.#plan();
    }, REPLY_EVERY_MS);
  }
}
