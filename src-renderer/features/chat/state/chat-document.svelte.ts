import type { ChatMessage } from '../../../../src-main/engine/api/types.ts';
import type {
  ChatChange,
  ChatEvent,
  ChatFacts,
  ChatSummary,
  ReplyFacts,
  StoredChat,
  StoredReplyTurn,
  StoredTurn,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import { newId, now, nowAfter } from './identity.ts';
import { Reply } from './reply.svelte.ts';
import type { LoadDetails } from './token-details.svelte.ts';

export class UserTurn {
  readonly role = 'user';
  constructor(
    readonly id: string,
    /** Null for the first turn. */
    readonly parent: string | null,
    readonly text: string,
    readonly createdAt: string,
  ) {}
}

export type ChatTurn = UserTurn | Reply;

/** `saving`: not saved yet; `problem`: why the last attempt failed. Unsaved changes are kept. */
export type SaveState = 'saved' | 'saving' | { readonly problem: string };

/** Receives the changes of a chat, to save them. */
export interface ChatSink {
  readonly state: SaveState;
  push(event: ChatEvent): void;
}

const NO_FACTS: ChatFacts = { title: '', modelId: '', modelName: '', systemPrompt: '', head: null };

/**
 * An open chat: a tree of turns, of which one path is shown. All changes are events. Those of this page go to `sink`,
 * those of other pages arrive through `receive`.
 */
export class ChatDocument {
  #facts = $state.raw<ChatFacts>(NO_FACTS);
  /** The turns on screen, oldest first. Each keeps its identity. */
  path = $state.raw<readonly ChatTurn[]>([]);
  updatedAt: string;
  /** Revision of the store up to which this document has all events. */
  revision = 0;
  sink: ChatSink | null = null;
  loadDetails: LoadDetails | null = null;
  /** The reply that this page is generating. Events of other pages about it are outdated. */
  writing: Reply | null = null;

  // The screen depends on `path` and `#versions`, which change with these.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #turns = new Map<string, ChatTurn>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #children = new Map<string | null, string[]>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #removed = new Set<string>();
  /** Changes with every turn that is added, removed or restored. */
  #versions = $state(0);
  /** The head that all pages share. That of this page is `head`. */
  #sharedHead: string | null = null;

  constructor(
    readonly id: string,
    readonly createdAt: string,
  ) {
    this.updatedAt = createdAt;
  }

  static create(): ChatDocument {
    return new ChatDocument(newId(), now());
  }

  static from(stored: StoredChat, loadDetails: LoadDetails | null = null): ChatDocument {
    const chat = new ChatDocument(stored.id, stored.createdAt);
    chat.loadDetails = loadDetails;
    chat.merge(stored);
    return chat;
  }

  get title(): string {
    return this.#facts.title;
  }
  set title(title: string) {
    this.#record({ type: 'facts', facts: { title } });
  }

  /** Instructions before the first turn; blank: none. */
  get systemPrompt(): string {
    return this.#facts.systemPrompt;
  }
  set systemPrompt(systemPrompt: string) {
    this.#record({ type: 'facts', facts: { systemPrompt } });
  }

  /** The model that the chat was started with; empty until there is a reply. */
  get model(): { readonly id: string; readonly name: string } {
    return { id: this.#facts.modelId, name: this.#facts.modelName };
  }
  set model({ id, name }: { id: string; name: string }) {
    this.#record({ type: 'facts', facts: { modelId: id, modelName: name } });
  }

  /** The last turn of the path; null in an empty chat. */
  get head(): string | null {
    return this.#facts.head;
  }

  get isEmpty(): boolean {
    return this.path.length === 0;
  }

  get saveState(): SaveState {
    return this.sink?.state ?? 'saved';
  }

  /** The reply that Regenerate and Continue work on; null when the last turn is a message. */
  get lastReply(): Reply | null {
    const last = this.path.at(-1);
    return last instanceof Reply ? last : null;
  }

  /** The newest reply whose prompt was accepted. A rejected one says nothing about the context window. */
  get lastStarted(): Reply | null {
    for (let at = this.path.length - 1; at >= 0; at--) {
      const turn = this.path[at];
      if (turn instanceof Reply && turn.promptTokens > 0) return turn;
    }
    return null;
  }

  /** The newest finished replies, in all versions of the turns on screen; at most `count`. */
  newestReplies(count: number): Reply[] {
    const replies: Reply[] = [];
    for (let at = this.path.length - 1; at >= 0 && replies.length < count; at--) {
      for (const id of this.versionsOf(this.path[at]).toReversed()) {
        const turn = this.#turns.get(id);
        if (turn instanceof Reply && turn.stop !== null && replies.push(turn) === count) break;
      }
    }
    return replies;
  }

  turn(id: string): ChatTurn | null {
    return this.#turns.get(id) ?? null;
  }

  /** Ids of a turn and its siblings, oldest first. */
  versionsOf(turn: ChatTurn): readonly string[] {
    void this.#versions;
    return (this.#children.get(turn.parent) ?? []).filter((id) => !this.#removed.has(id));
  }

  /** Shows another version of a turn, with its newest continuation. */
  showVersion(turn: ChatTurn, version: number): void {
    const id = this.versionsOf(turn)[version];
    if (id !== undefined && id !== turn.id) this.#record({ type: 'facts', facts: { head: this.#newestLeaf(id) } });
  }

  addUserTurn(text: string, parent = this.head): UserTurn {
    const turn = { id: newId(), parent, role: 'user', text, createdAt: this.#newest(parent) } as const;
    this.#record({ type: 'turn', turn });
    this.#record({ type: 'facts', facts: { head: turn.id } });
    return this.#turns.get(turn.id) as UserTurn;
  }

  /** Adds a reply to `parent`, as a new version. */
  addReply(facts: ReplyFacts, parent = this.head): Reply {
    const turn = { id: newId(), parent, role: 'assistant', createdAt: this.#newest(parent), facts } as const;
    this.#record({ type: 'turn', turn });
    this.#record({ type: 'facts', facts: { head: turn.id } });
    return this.#turns.get(turn.id) as Reply;
  }

  /** Adds a version of a reply that begins with the first `index` tokens of it. */
  addBranch(facts: ReplyFacts, source: Reply, index: number): Reply {
    const reply = this.addReply({ ...facts, branch: { turn: source.id, index } }, source.parent);
    const text = source.slice(0, source.startOf(index));
    const tokens = source.copyColumns(0, index);
    if (index > 0) this.#record({ type: 'tokens', turn: reply.id, from: 0, text, tokens });
    return reply;
  }

  /** Adds a reply that has ended, for example one of a lane. */
  addFinishedReply({ text, tokens, facts }: Pick<StoredReplyTurn, 'text' | 'tokens' | 'facts'>): Reply {
    const reply = this.addReply(facts);
    this.#record({ type: 'tokens', turn: reply.id, from: 0, text, tokens });
    return reply;
  }

  /** Publishes the facts of a reply that this page generates. */
  noteReply(reply: Reply): void {
    this.#record({ type: 'reply', turn: reply.id, facts: reply.facts });
  }

  /**
   * The messages of the prompt, oldest first, each with its turn (null for the system prompt). Empty replies and
   * reasoning are left out.
   *
   * @param before leaves out this turn and those after it
   */
  messages(before?: ChatTurn): { message: ChatMessage; turn: ChatTurn | null }[] {
    const end = before === undefined ? this.path.length : this.path.indexOf(before);
    const system = { message: { role: 'system', text: this.systemPrompt }, turn: null } as const;
    const said = this.path.slice(0, end).flatMap((turn): { message: ChatMessage; turn: ChatTurn }[] => {
      const [role, text] =
        turn instanceof UserTurn ? (['user', turn.text] as const) : (['assistant', turn.answer] as const);
      return text === '' ? [] : [{ message: { role, text }, turn }];
    });
    return this.systemPrompt.trim() === '' ? said : [system, ...said];
  }

  /**
   * Applies events of other pages.
   * @param own events of this page that the store may not have yet: they are newer and win
   */
  receive(events: readonly ChatEvent[], own: readonly ChatEvent[] = []): void {
    const before = this.#facts.head;
    const keys = own.flatMap((event) => (event.type === 'facts' ? Object.keys(event.facts) : []));
    const replies = own.flatMap((event) => (event.type === 'reply' ? [event.turn] : []));
    for (const event of events) {
      if (event.type === 'facts') this.#receiveFacts(event.facts, keys);
      else if ((event.type === 'reply' || event.type === 'tokens') && this.#isOwn(event.turn, replies)) continue;
      else this.#apply(event);
      if (event.at > this.updatedAt) this.updatedAt = event.at;
    }
    if (this.#facts.head !== before) this.#showPath();
  }

  /** Merges the stored chat. What only this page has is kept. */
  merge(stored: StoredChat, own: readonly ChatEvent[] = []): void {
    const { title, modelId, modelName, systemPrompt, head } = stored;
    const isNew = this.#turns.size === 0;
    for (const turn of stored.turns) this.#mergeTurn(turn);
    for (const id of stored.removed) this.#removed.add(id);
    for (const id of this.#removed) if (!stored.removed.includes(id)) this.#removed.delete(id);
    const at = stored.updatedAt;
    if (isNew && own.length === 0) {
      this.#facts = { title, modelId, modelName, systemPrompt, head };
      this.#sharedHead = head;
      this.updatedAt = at;
    } else {
      this.receive([{ type: 'facts', facts: { title, modelId, modelName, systemPrompt, head }, at }], own);
    }
    this.revision = Math.max(this.revision, stored.revision);
    this.#versions++;
    this.#showPath();
  }

  summary(): ChatSummary {
    const { id, title, createdAt, updatedAt } = this;
    return { id, title, createdAt, updatedAt, turns: this.#turns.size };
  }

  #record(change: ChatChange): void {
    const event: ChatEvent = { ...change, at: now() };
    this.updatedAt = event.at;
    this.#apply(event);
    this.sink?.push(event);
  }

  #apply(event: ChatEvent): void {
    switch (event.type) {
      case 'facts': {
        const { head } = this.#facts;
        this.#facts = { ...this.#facts, ...event.facts };
        if (event.facts.head !== undefined) this.#sharedHead = event.facts.head;
        if (this.#facts.head !== head) this.#showPath();
        return;
      }
      case 'turn':
        if (event.turn.role === 'user') {
          const { id, parent, text, createdAt } = event.turn;
          this.#add(new UserTurn(id, this.#known(parent), text, createdAt));
        } else {
          this.#add(this.#prepared(new Reply({ ...event.turn, parent: this.#known(event.turn.parent) })));
        }
        return;
      case 'tokens':
      case 'reply': {
        const turn = this.#turns.get(event.turn);
        if (!(turn instanceof Reply)) return;
        // A reply already has the facts that it published.
        const isOwn = event.type === 'reply' && (turn === this.writing || turn.facts === event.facts);
        if (!isOwn) turn.apply(event);
        return;
      }
      case 'remove':
      case 'restore':
        if (event.type === 'remove') this.#removed.add(event.turn);
        else this.#removed.delete(event.turn);
        this.#versions++;
        this.#showPath();
        return;
    }
  }

  #receiveFacts(facts: Partial<ChatFacts>, own: readonly string[]): void {
    const { head, ...others } = facts;
    const entries = Object.entries(others).filter(([key]) => !own.includes(key));
    const follows = head !== undefined && !own.includes('head') && this.#follows(head);
    if (head !== undefined && !own.includes('head')) this.#sharedHead = head;
    if (entries.length === 0 && !follows) return;
    this.#facts = { ...this.#facts, ...Object.fromEntries(entries), ...(follows ? { head } : {}) };
  }

  /**
   * Whether this page follows another page to a turn: if the turn continues the path on screen, or is another version of
   * a reply that both showed. Otherwise it is only another version to switch to.
   */
  #follows(head: string | null): boolean {
    const mine = this.#facts.head;
    if (this.writing !== null || head === null || head === mine) return false;
    if (mine === null) return true;
    const turn = this.#turns.get(head);
    if (turn === undefined) return false;
    const isInPlace = turn instanceof Reply && turn.parent === this.#turns.get(mine)?.parent;
    if (isInPlace && mine === this.#sharedHead) return true;
    for (let id = turn.parent; id !== null; id = this.#turns.get(id)?.parent ?? null) if (id === mine) return true;
    return false;
  }

  #isOwn(turn: string, unsent: readonly string[]): boolean {
    return this.writing?.id === turn || unsent.includes(turn);
  }

  #known(parent: string | null): string | null {
    // Like the store: a turn whose parent is missing follows the turn before it.
    return parent === null || this.#turns.has(parent) ? parent : ([...this.#turns.keys()].at(-1) ?? null);
  }

  #prepared(reply: Reply): Reply {
    if (this.loadDetails !== null) reply.useDetails(this.loadDetails);
    const { branch } = reply.facts;
    const source = branch === undefined ? undefined : this.#turns.get(branch.turn);
    if (branch !== undefined && source instanceof Reply) reply.details.inherit(source.details, branch.index);
    return reply;
  }

  #add(turn: ChatTurn): void {
    if (this.#turns.has(turn.id)) return;
    this.#turns.set(turn.id, turn);
    const versions = this.#children.get(turn.parent) ?? [];
    this.#children.set(turn.parent, versions);
    // Pages that add versions at the same time receive them in different orders, but must show the same order.
    let place = versions.length;
    while (place > 0 && this.#isOlder(turn, versions[place - 1])) place--;
    versions.splice(place, 0, turn.id);
    this.#versions++;
  }

  #mergeTurn(stored: StoredTurn): void {
    const known = this.#turns.get(stored.id);
    if (known === undefined) {
      if (stored.role === 'assistant') this.#add(this.#prepared(Reply.from(stored)));
      else this.#add(new UserTurn(stored.id, stored.parent, stored.text, stored.createdAt));
      return;
    }
    if (stored.role !== 'assistant' || !(known instanceof Reply) || known === this.writing) return;
    const { id: turn, text, tokens, facts } = stored;
    const at = stored.createdAt;
    known.apply({ type: 'tokens', turn, from: 0, text, tokens, at });
    if (known.count <= tokens.ids.length) known.apply({ type: 'reply', turn, facts, at });
  }

  /** A timestamp: now, but later than that of the other versions. */
  #newest(parent: string | null): string {
    const last = this.#turns.get(this.#children.get(parent)?.at(-1) ?? '')?.createdAt;
    return last === undefined ? now() : nowAfter(last);
  }

  #isOlder(turn: ChatTurn, id: string): boolean {
    const other = this.#turns.get(id);
    if (other === undefined) return false;
    return turn.createdAt < other.createdAt || (turn.createdAt === other.createdAt && turn.id < other.id);
  }

  #newestLeaf(from: string): string {
    let newest: ChatTurn | null = null;
    const open = [from];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const following = (this.#children.get(id) ?? []).filter((child) => !this.#removed.has(child));
      const turn = this.#turns.get(id);
      const isLeaf = turn !== undefined && following.length === 0;
      if (isLeaf && (newest === null || this.#isOlder(newest, id))) newest = turn;
      open.push(...following);
    }
    return newest?.id ?? from;
  }

  #showPath(): void {
    const path: ChatTurn[] = [];
    for (let id = this.#facts.head; id !== null;) {
      const turn = this.#turns.get(id);
      if (turn === undefined) break;
      path.push(turn);
      id = turn.parent;
    }
    path.reverse();
    const end = path.findIndex(({ id }) => this.#removed.has(id));
    this.path = end < 0 ? path : path.slice(0, end);
  }
}
