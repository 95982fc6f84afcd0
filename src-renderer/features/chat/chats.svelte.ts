import { EngineError } from '../../../src-main/engine/errors.ts';
import type { AppServices, ChatSummary } from '../../../src-main/protocol/app-services.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { now } from './identity.ts';

/** How long changes of a chat are gathered before it is written, ms. */
const SAVE_AFTER_MS = 600;
const SEARCH_AFTER_MS = 120;

/** All chats, and the one that is open. A new chat is written with its first turn. */
export class ChatsState {
  /** Newest first. */
  list = $state.raw<readonly ChatSummary[]>([]);
  /** What the search found; null while there is nothing to search for. */
  found = $state.raw<readonly ChatSummary[] | null>(null);
  current = $state.raw<ChatDocument>(ChatDocument.create());
  /** Why the last change was not written; null: it was. */
  error = $state<string | null>(null);

  readonly #services: AppServices;
  // Nothing on screen depends on these two.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Chats with unwritten changes or a running reply: selecting them shows this very document. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #open = new Map<string, ChatDocument>();
  #writing: Promise<void> = Promise.resolve();
  #search = $state('');
  #searchTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(services: AppServices) {
    this.#services = services;
    services.onEvent((event) => {
      if (event.type === 'chats') void this.refresh();
    });
  }

  /** The open chat's id; null while it is new and empty. */
  get currentId(): string | null {
    return this.current.isEmpty ? null : this.current.id;
  }

  get search(): string {
    return this.#search;
  }

  set search(text: string) {
    this.#search = text;
    if (this.#searchTimer !== null) clearTimeout(this.#searchTimer);
    if (text.trim() === '') this.found = null;
    else this.#searchTimer = setTimeout(() => void this.#find(text), SEARCH_AFTER_MS);
  }

  async refresh(): Promise<void> {
    await this.#try(async () => {
      const stored = await this.#services.invoke('chatsList');
      // What is not written yet is newer than what was read.
      const open = [...this.#open.values()].map((chat) => chat.summary());
      this.list = newestFirst([...open, ...stored.filter((chat) => !this.#open.has(chat.id))]);
    });
  }

  /** Opens a chat. One that is gone leaves the open chat as it is. */
  async select(id: string): Promise<void> {
    if (id === this.current.id) return;
    const open = this.#open.get(id);
    if (open) {
      this.current = open;
      return;
    }
    await this.#try(async () => {
      const stored = await this.#services.invoke('chatGet', id);
      if (stored !== null) this.current = ChatDocument.from(stored);
      else this.list = this.list.filter((chat) => chat.id !== id);
    });
  }

  /** Opens a new chat; an open one that is still empty will do. */
  create(): void {
    if (!this.current.isEmpty) this.current = ChatDocument.create();
  }

  async rename(id: string, title: string): Promise<void> {
    const open = id === this.current.id ? this.current : this.#open.get(id);
    if (open) {
      open.title = title;
      return this.save(open);
    }
    await this.#try(async () => {
      const stored = await this.#services.invoke('chatGet', id);
      if (stored === null) return;
      await this.#services.invoke('chatSave', { ...stored, title });
      await this.refresh();
    });
  }

  /** Deletes a chat. @returns puts it back; null when it could not be deleted */
  async remove(id: string): Promise<(() => Promise<void>) | null> {
    const open = id === this.current.id ? this.current : this.#open.get(id);
    const wasCurrent = id === this.current.id;
    return this.#try(async () => {
      this.#forget(id);
      await this.#writing;
      const stored = open?.toStored() ?? (await this.#services.invoke('chatGet', id));
      await this.#services.invoke('chatDelete', id);
      this.list = this.list.filter((chat) => chat.id !== id);
      if (wasCurrent) this.current = ChatDocument.create();
      return async () => {
        if (stored === null) return;
        await this.#try(async () => {
          await this.#services.invoke('chatSave', stored);
          await this.refresh();
          if (wasCurrent && this.current.isEmpty) await this.select(id);
        });
      };
    });
  }

  /** Something in the chat changed: it moves to the top of the list and is written soon. */
  touch(chat: ChatDocument): void {
    chat.updatedAt = now();
    this.#open.set(chat.id, chat);
    this.list = newestFirst([chat.summary(), ...this.list.filter((other) => other.id !== chat.id)]);
    if (this.#timers.has(chat.id)) return;
    this.#timers.set(
      chat.id,
      setTimeout(() => void this.save(chat), SAVE_AFTER_MS),
    );
  }

  /** Writes the chat now. Never rejects: see `error`. */
  save(chat: ChatDocument): Promise<void> {
    clearTimeout(this.#timers.get(chat.id));
    this.#timers.delete(chat.id);
    if (!chat.turns.some((turn) => turn.role === 'assistant' && turn.reply?.running)) this.#open.delete(chat.id);
    const stored = chat.toStored();
    this.#writing = this.#writing.then(async () => {
      await this.#try(() => this.#services.invoke('chatSave', stored));
    });
    this.list = newestFirst([chat.summary(), ...this.list.filter((other) => other.id !== chat.id)]);
    return this.#writing;
  }

  /** Writes everything that is not written yet. */
  async flush(): Promise<void> {
    await Promise.all([...this.#open.values()].map((chat) => this.save(chat)));
    await this.#writing;
  }

  #forget(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#open.delete(id);
  }

  async #find(text: string): Promise<void> {
    await this.#try(async () => {
      const found = await this.#services.invoke('chatsSearch', text);
      if (text === this.#search) this.found = newestFirst(found);
    });
  }

  async #try<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      const result = await work();
      this.error = null;
      return result;
    } catch (error) {
      this.error = EngineError.from(error).message;
      return null;
    }
  }
}

function newestFirst(chats: readonly ChatSummary[]): ChatSummary[] {
  return [...chats].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
}
