import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { eventsOfChat, portable, type PortableChat } from '../../../../src-main/protocol/app/chats/chat-file.ts';
import type {
  ChatChange,
  ChatFacts,
  ChatNews,
  ChatSummary,
  FoundChat,
  SearchHit,
  StoredChat,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import { newestFirst } from '../../../../src-main/protocol/app/newest-first.ts';
import { newId } from '../../../lib/new-id.ts';
import { formatCount } from '../../../ui/format.ts';
import { announce } from '../../../ui/live-region.svelte.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { withChat } from './chat-list.ts';
import { batchesOf } from './event-batches.ts';
import { now } from './identity.ts';
import type { PageServices } from '../../../lib/services.ts';
import { OpenDocuments, type UnsavedChat } from './open-documents.svelte.ts';
import { isNew } from './outbox.svelte.ts';
import type { Reply } from './reply.svelte.ts';
import type { ReplyBeats } from './reply-beats.ts';

const SEARCH_AFTER_MS = 120;
/** More search results are hardly looked at. */
const MAX_EXACT_HITS = 24;

/** Requests to the store other than writes. The error of one is cleared when the same request succeeds. */
type Request = 'list' | 'open' | 'change' | 'delete' | 'search';

/** All chats, and the open one. A new chat is saved with its first turn. */
export class ChatsState {
  /** Newest first. */
  list = $state.raw<readonly ChatSummary[]>([]);
  /** Search results; null without a search. */
  found = $state.raw<readonly FoundChat[] | null>(null);
  /** Whether something waits for a chat that may be off screen, such as a queued message; set by the session. */
  isNeeded: (chat: ChatDocument) => boolean = () => false;
  /** A chat that was chosen cannot be shown; set by the session. */
  onGone: (id: string) => void = () => undefined;

  readonly #services: PageServices;
  readonly #onDeleted: (id: string) => void;
  readonly #beats: ReplyBeats | null;
  readonly #open: OpenDocuments<ChatDocument>;
  readonly #problems = new SvelteMap<Request, string>();
  #current = $state.raw<ChatDocument>(ChatDocument.create());
  /** The latest `select` that is still loading. It replaces earlier ones. */
  #selecting = $state.raw<{ readonly id: string } | null>(null);
  #refreshing: Promise<void> | null = null;
  #refreshAgain = false;
  #search = $state('');
  /** The text that `found` belongs to. */
  #foundFor = '';
  #searchTimer: ReturnType<typeof setTimeout> | null = null;
  /** What others wrote since the last frame. */
  #heard: ChatNews[] = [];

  /**
   * @param onDeleted called for each chat that is deleted here, and again if it is then deleted for good
   * @param frame collects what others write; default: it is taken at once
   * @param beats tell other pages which reply is being generated here
   */
  constructor(
    services: PageServices,
    onDeleted: (id: string) => void = () => undefined,
    frame: (callback: () => void) => void = (callback) => callback(),
    beats: ReplyBeats | null = null,
  ) {
    this.#services = services;
    this.#beats = beats;
    beats?.listen((turn) => {
      for (const { document } of this.#open.all) document.reply(turn)?.heard();
    });
    this.#onDeleted = onDeleted;
    this.#open = new OpenDocuments({
      services,
      isShown: (chat) => chat === this.#current,
      isNeeded: (chat) => this.isNeeded(chat) || isPrepared(chat),
      onChange: (chat) => this.#note(chat.summary()),
    });
    this.#show(this.#current);
    services.onEvent((event) => {
      if (event.type === 'chats') {
        // Otherwise a chat that was deleted could return to the list.
        this.#takeHeard();
        void this.refresh();
        this.#open.catchUp();
        this.#findAgain();
      } else if (event.type === 'chat') {
        this.#heard.push(event);
        if (this.#heard.length === 1) frame(() => this.#takeHeard());
      } else if (event.type === 'host' && event.state === 'here') {
        void this.flush();
      }
    });
  }

  #takeHeard(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const news of heard) {
      this.#note(news.summary);
      this.#open.hear(news);
    }
    // A growing reply is found when it has ended.
    if (heard.some(({ events }) => events.some(({ type }) => type !== 'tokens'))) this.#findAgain();
  }

  get current(): ChatDocument {
    return this.#current;
  }

  /** Id of the open chat; null while it is new and empty. All turns of a stored one may have been deleted. */
  get currentId(): string | null {
    return isNew(this.current) ? null : this.current.id;
  }

  /** The chat that was chosen and is still being read, or null. Until it is here, the one before stays open. */
  get comingId(): string | null {
    return this.#selecting?.id ?? null;
  }

  /** Why the list could not be read, a chat not be opened, and so on, or null. */
  get error(): string | null {
    for (const problem of this.#problems.values()) return problem;
    return null;
  }

  /** Chats that could not be saved. Saving is retried, and they are kept until it succeeds. */
  get unsaved(): readonly UnsavedChat[] {
    return this.#open.unsaved;
  }

  get search(): string {
    return this.#search;
  }

  set search(text: string) {
    this.#search = text;
    if (this.#searchTimer !== null) clearTimeout(this.#searchTimer);
    if (text.trim() === '') {
      this.found = null;
      this.#foundFor = '';
    } else this.#searchTimer = setTimeout(() => void this.#find(text), SEARCH_AFTER_MS);
  }

  /** Reads the list. Calls during a read cause one more read. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== null) {
      this.#refreshAgain = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#readList();
    await this.#refreshing;
  }

  /** Opens a chat. If it no longer exists, the open chat stays. */
  async select(id: string): Promise<void> {
    this.#selecting = null;
    if (id === this.current.id) return;
    const open = this.#open.get(id);
    if (open) {
      this.#show(open.document);
      return;
    }
    const selecting = { id };
    this.#selecting = selecting;
    await this.#try('open', async () => {
      const stored = await this.#services.invoke('chatGet', id);
      if (this.#selecting?.id !== id) return;
      this.#selecting = null;
      // It was selected twice. Two documents of one chat would not know of each other's changes.
      const known = this.#open.get(id);
      if (known) return this.#show(known.document);
      if (stored === null) {
        this.list = this.list.filter((chat) => chat.id !== id);
        this.onGone(id);
        return;
      }
      // The list could not be read, and this is a notebook.
      if (stored.updates !== undefined) return this.onGone(id);
      this.#show(ChatDocument.from(stored, this.#open.detailsOf(id)));
    });
    // It could not be read.
    if (this.#selecting === selecting) this.#selecting = null;
  }

  /**
   * Opens a new chat, unless the open one is still empty. A new chat with a waiting message, instructions or settings is in
   * no list, so it is shown again.
   */
  create(): void {
    this.#selecting = null;
    const isStarted = (chat: ChatDocument) => isNew(chat) && (this.isNeeded(chat) || isPrepared(chat));
    if (isStarted(this.current)) return;
    const started = this.#open.all.find(({ document }) => isStarted(document));
    if (started !== undefined) this.#show(started.document);
    else if (!isNew(this.current)) this.#show(ChatDocument.create());
  }

  /** Opens a new chat even if there is one with instructions or settings, which is kept. */
  createBlank(): ChatDocument {
    this.#selecting = null;
    const chat = ChatDocument.create();
    this.#show(chat);
    return chat;
  }

  async rename(id: string, title: string): Promise<void> {
    await this.change(id, [{ type: 'facts', facts: { title } }]);
  }

  /** Changes a chat, also one that is not open. Errors are in `error`. */
  async change(id: string, changes: readonly ChatChange[]): Promise<void> {
    const open = this.#open.get(id);
    if (open) {
      open.document.change(changes);
      return open.outbox.flush();
    }
    await this.#try('change', async () => {
      const events = changes.map((change) => ({ ...change, at: now() }));
      // What is new wins, whatever else was written.
      await this.#services.invoke('chatWrite', { id, base: 1, origin: this.#open.origin, events, details: [] });
      await this.refresh();
    });
  }

  /** Changes a chat that was open when it began, for example to undo something: whatever is open now. */
  async changeFacts(chat: ChatDocument, facts: Partial<ChatFacts>): Promise<void> {
    // One that was never saved exists only here.
    if (chat.revision === 0 && this.#open.get(chat.id) === undefined) chat.change([{ type: 'facts', facts }]);
    else await this.change(chat.id, [{ type: 'facts', facts }]);
  }

  /** A chat as it is stored, with what this page has not saved before; null if it cannot be read. See `error`. */
  async read(id: string): Promise<StoredChat | null> {
    await this.#open.get(id)?.outbox.flush();
    return await this.#try('open', async () => await this.#services.invoke('chatGet', id));
  }

  /** Adds a chat from a file. @returns its id. @throws EngineError if it cannot be saved; then none of it is kept */
  async add(chat: PortableChat): Promise<string> {
    const id = newId();
    let base = 0;
    try {
      for (const events of batchesOf(eventsOfChat(chat))) {
        const write = { id, base, origin: this.#open.origin, events, details: [] };
        base = (await this.#services.invoke('chatWrite', write)).revision;
      }
    } catch (error) {
      // The cause is reported. If this fails as well, a part of the chat is in the list.
      if (base > 0) await this.#services.invoke('chatDelete', id).catch(() => undefined);
      throw error;
    }
    return id;
  }

  /**
   * Adds a copy of a chat, without the candidates of its tokens, and opens it unless it is a notebook.
   * @returns its id; null if it failed, see `error`
   */
  async duplicate(id: string): Promise<string | null> {
    const stored = await this.read(id);
    if (stored === null) return null;
    return await this.#try('change', async () => {
      const copy = { ...portable(stored), title: `${cutText(stored.title, 190)} (copy)`, updatedAt: now() };
      const added = await this.add(copy);
      await this.refresh();
      if (stored.updates === undefined) await this.select(added);
      return added;
    });
  }

  /** Deletes a chat. @returns restores it; null if deleting failed */
  async remove(id: string): Promise<(() => Promise<void>) | null> {
    const before = this.#open.get(id);
    await before?.outbox.flush();
    before?.outbox.close();
    const isStored = before === undefined || before.document.revision > 0;
    const undo = await this.#try('delete', async () => {
      if (isStored) await this.#services.invoke('chatDelete', id);
      this.#onDeleted(id);
      // It, or another one, may have been opened meanwhile, or is on its way here.
      if (this.#selecting?.id === id) this.#selecting = null;
      const open = this.#open.get(id) ?? before;
      open?.outbox.close();
      const wasCurrent = id === this.current.id;
      this.#open.delete(id);
      this.list = this.list.filter((chat) => chat.id !== id);
      this.found = this.found?.filter((chat) => chat.id !== id) ?? null;
      if (wasCurrent) this.#show(ChatDocument.create());
      return async () => {
        await this.#try('delete', async () => {
          if (isStored) await this.#services.invoke('chatRestore', id);
          // It may have been restored and opened again meanwhile.
          if (open && this.#open.get(id) === undefined) {
            this.#open.putBack(open);
            this.#note(open.document.summary());
          }
          await this.refresh();
          if (wasCurrent && this.current.isEmpty) await this.select(id);
          this.#open.release();
        });
      };
    });
    if (undo === null) before?.outbox.reopen();
    return undo;
  }

  /** Deletes deleted chats for good. @throws EngineError */
  async purge(ids: readonly string[]): Promise<void> {
    await this.#services.invoke('chatsPurge', [...ids]);
    // There may have been no engine when they were deleted.
    for (const id of ids) this.#onDeleted(id);
  }

  /** Saves a running reply as it grows. @returns to call when it grew, and when it ended */
  follow(chat: ChatDocument, reply: Reply): { grew(): void; ended(): void } {
    const { grew, ended } = this.#open.follow(chat, reply);
    const stop = this.#beats?.begin(reply.id);
    return {
      grew,
      ended: () => {
        stop?.();
        ended();
      },
    };
  }

  /** Retries saving a chat now. */
  async retry(id: string): Promise<void> {
    await this.#open.retry(id);
  }

  /** Saves everything that is not saved yet. */
  async flush(): Promise<void> {
    await this.#open.flush();
  }

  /** The page is closing: sends unsaved changes without waiting. */
  flushLast(): void {
    this.#open.flushLast();
  }

  /** Events may have been missed, for example during sleep. */
  catchUp(): void {
    this.#open.catchUp();
    void this.refresh();
  }

  #show(chat: ChatDocument): void {
    this.#current = chat;
    this.#open.show(chat);
  }

  #note(summary: ChatSummary): void {
    if (summary.turns > 0 || summary.notebook) this.list = withChat(this.list, summary);
  }

  async #readList(): Promise<void> {
    do {
      this.#refreshAgain = false;
      await this.#try('list', async () => {
        const unsavedBefore = this.#open.all.filter(({ outbox }) => outbox.hasUnsaved);
        const stored = await this.#services.invoke('chatsList');
        // Changes that were not saved when reading began are newer than what was read.
        const unsaved = this.#open.all.filter((open) => open.outbox.hasUnsaved || unsavedBefore.includes(open));
        const own = unsaved.map(({ document }) => document.summary()).filter(({ turns }) => turns > 0);
        const ids = own.map(({ id }) => id);
        this.list = newestFirst([...own, ...stored.filter((chat) => !ids.includes(chat.id))]);
      });
    } while (this.#refreshAgain);
    this.#refreshing = null;
  }

  /** Messages with a text, apart from the search of the list. Empty if they cannot be searched: see `error`. */
  async findMessages(text: string, limit: number): Promise<readonly (FoundChat & { hit: SearchHit })[]> {
    const found = await this.#try('search', async () => {
      const all = await this.#services.invoke('chatsSearch', text);
      const some = all.filter(({ hit }) => hit !== null).slice(0, limit);
      return await Promise.all(some.map(async (chat, at) => await this.#exactHit(chat, at, text)));
    });
    return (found ?? []).flatMap((chat) => (chat.hit === null ? [] : [{ ...chat, hit: chat.hit }]));
  }

  /** Chats changed: repeats a search that is on the screen. */
  #findAgain(): void {
    if (this.#search.trim() === '') return;
    if (this.#searchTimer !== null) clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => void this.#find(this.#search), SEARCH_AFTER_MS);
  }

  async #find(text: string): Promise<void> {
    await this.#try('search', async () => {
      const found = await this.#services.invoke('chatsSearch', text);
      if (text !== this.#search || text.trim() === '') return;
      // Results that were repeated must not turn to lower case and back.
      if (this.#foundFor !== text) {
        this.found = found;
        announce(found.length === 0 ? 'No results' : formatCount(found.length, 'result'));
      }
      this.#foundFor = text;
      const shown = this.found;
      const exact = await Promise.all(found.map(async (chat, at) => await this.#exactHit(chat, at, text)));
      if (this.found === shown) this.found = exact;
    });
  }

  /** The index has texts in lower case. The first results are shown as they were written. */
  async #exactHit(chat: FoundChat, place: number, query: string): Promise<FoundChat> {
    if (chat.hit === null || place >= MAX_EXACT_HITS) return chat;
    const { turn } = chat.hit;
    // Opening the chat shows why it cannot be read.
    const hit = await this.#services.invoke('chatHit', { id: chat.id, turn, query }).catch(() => null);
    return { ...chat, hit: hit ?? chat.hit };
  }

  async #try<T>(request: Request, work: () => Promise<T>): Promise<T | null> {
    try {
      const result = await work();
      this.#problems.delete(request);
      return result;
    } catch (error) {
      this.#problems.set(request, EngineError.from(error).message);
      return null;
    }
  }
}

/** A new chat with instructions or settings of its own: only this page has them until there is a turn. */
function isPrepared(chat: ChatDocument): boolean {
  const { systemPrompt, settings, whenFull } = chat;
  return isNew(chat) && (systemPrompt.trim() !== '' || settings !== null || whenFull !== undefined);
}
