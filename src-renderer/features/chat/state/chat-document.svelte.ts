import type { ChatMessage, WhenFull } from '../../../../src-main/engine/api/types.ts';
import {
  factsOf,
  NO_FACTS,
  TOKENS_PER_EVENT,
  type Attachment,
  type ChatChange,
  type ChatEvent,
  type ChatFacts,
  type ChatSettings,
  type ChatSummary,
  type ReplyFacts,
  type StoredChat,
  type StoredReplyTurn,
  type StoredTurn,
  type StoredUserTurn,
  type TokenColumns,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import { newId } from '../../../lib/new-id.ts';
import { now } from './identity.ts';
import { Reply } from './reply.svelte.ts';
import { tokensIn } from './token-chunks.ts';
import type { LoadDetails } from './token-details.svelte.ts';
import { TurnTree } from './turn-tree.svelte.ts';

export class UserTurn {
  readonly role = 'user';
  constructor(
    readonly id: string,
    /** Null for the first turn. */
    readonly parent: string | null,
    readonly text: string,
    readonly createdAt: string,
    readonly attachments: readonly Attachment[] = [],
  ) {}

  static from({ id, parent, text, createdAt, attachments }: StoredUserTurn): UserTurn {
    return new UserTurn(id, parent, text, createdAt, attachments);
  }
}

export type ChatTurn = UserTurn | Reply;

/** `saving`: not saved yet; `problem`: why the last attempt failed. Unsaved changes are kept. */
export type SaveState = 'saved' | 'saving' | { readonly problem: string };

/** Receives the changes of a chat, to save them. */
export interface ChatSink {
  readonly state: SaveState;
  push(event: ChatEvent): void;
}

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

  readonly #turns = new TurnTree<ChatTurn>();
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

  /** What happens when the context window is full; undefined: as in the settings. */
  get whenFull(): WhenFull | undefined {
    return this.#facts.whenFull;
  }
  set whenFull(whenFull: WhenFull) {
    this.#record({ type: 'facts', facts: { whenFull } });
  }

  /** The model that the chat was started with; empty until there is a reply. */
  get model(): { readonly id: string; readonly name: string } {
    return { id: this.#facts.modelId, name: this.#facts.modelName };
  }
  set model({ id, name }: { id: string; name: string }) {
    this.#record({ type: 'facts', facts: { modelId: id, modelName: name } });
  }

  /** See `ChatFacts.settings`. */
  get settings(): ChatSettings | null {
    return this.#facts.settings;
  }
  set settings(settings: ChatSettings | null) {
    this.#record({ type: 'facts', facts: { settings } });
  }

  /** The last turn of the path; null in an empty chat. */
  get head(): string | null {
    return this.path.at(-1)?.id ?? null;
  }

  /** Whether no turn is on screen. */
  get isEmpty(): boolean {
    return this.path.length === 0;
  }

  get hasContent(): boolean {
    return this.#turns.size > 0;
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
    const isStarted = (turn: ChatTurn): turn is Reply => turn instanceof Reply && turn.promptTokens > 0;
    return this.path.findLast(isStarted) ?? null;
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

  reply(id: string): Reply | null {
    const turn = this.#turns.get(id);
    return turn instanceof Reply ? turn : null;
  }

  /** Ids of a turn and its siblings, oldest first. */
  versionsOf(turn: ChatTurn): readonly string[] {
    return this.#turns.followersOf(turn.parent);
  }

  /** The turns that follow a turn, oldest first; null: the first turns. @param deleted with deleted ones */
  followersOf(id: string | null, deleted = false): readonly ChatTurn[] {
    return this.#turns.followersOf(id, deleted).flatMap((child) => this.#turns.get(child) ?? []);
  }

  /** Whether a turn, or one before it, was deleted. */
  isHidden(turn: ChatTurn): boolean {
    return this.#turns.isHidden(turn.id);
  }

  /** Whether a turn is `ancestor`, or comes after it. */
  isFrom(ancestor: ChatTurn, turn: ChatTurn): boolean {
    return this.#turns.isFrom(ancestor.id, turn.id);
  }

  /** Shows another version of a turn, with its newest continuation. */
  showVersion(turn: ChatTurn, version: number): void {
    const id = this.versionsOf(turn)[version];
    if (id !== undefined && id !== turn.id) this.#setHead(this.#turns.newestLeaf(id));
  }

  /** Shows the path through a turn, with its newest continuation. The path that is shown stays if it is one. */
  reveal(id: string): void {
    if (!this.#turns.has(id) || this.#turns.isHidden(id) || this.path.some((turn) => turn.id === id)) return;
    this.#setHead(this.#turns.newestLeaf(id));
  }

  /** Ends the path at a turn, so that the next message starts a branch there. @returns changes that undo it */
  branchAt(turn: ChatTurn): ChatChange[] {
    const { head } = this;
    this.#setHead(turn.id);
    return [{ type: 'facts', facts: { head } }];
  }

  /**
   * Deletes a turn with all that follows it. The path then shows another version, or ends before it.
   * @returns changes that undo it
   */
  remove(turn: ChatTurn): ChatChange[] {
    const { head } = this;
    this.#record({ type: 'remove', turn: turn.id });
    const restore: ChatChange = { type: 'restore', turn: turn.id };
    if (this.head === head) return [restore];
    this.#setHead(this.head);
    return [restore, { type: 'facts', facts: { head } }];
  }

  /** Applies changes, for example those that undo others. */
  change(changes: readonly ChatChange[]): void {
    for (const change of changes) this.#record(change);
  }

  addUserTurn(text: string, parent = this.head, attachments: readonly Attachment[] = []): UserTurn {
    const createdAt = this.#turns.timeAfter(parent);
    const files = attachments.length === 0 ? {} : { attachments: [...attachments] };
    const turn: StoredUserTurn = { id: newId(), parent, role: 'user', text, createdAt, ...files };
    this.#record({ type: 'turn', turn });
    this.#setHead(turn.id);
    return this.#turns.get(turn.id) as UserTurn;
  }

  /** Adds a reply to `parent`, as a new version. */
  addReply(facts: ReplyFacts, parent = this.head): Reply {
    const turn = { id: newId(), parent, role: 'assistant', createdAt: this.#turns.timeAfter(parent), facts } as const;
    this.#record({ type: 'turn', turn });
    this.#setHead(turn.id);
    return this.#turns.get(turn.id) as Reply;
  }

  /** Adds a version of a reply that begins with the first `index` tokens of it. */
  addBranch(facts: ReplyFacts, source: Reply, index: number): Reply {
    const reply = this.addReply({ ...facts, branch: { turn: source.id, index } }, source.parent);
    const text = source.slice(0, source.startOf(index));
    const tokens = source.copyColumns(0, index);
    this.#addTokens(reply, text, tokens);
    return reply;
  }

  /** Adds a reply that has ended, for example one of a lane. */
  addFinishedReply(
    { text, tokens, facts }: Pick<StoredReplyTurn, 'text' | 'tokens' | 'facts'>,
    parent = this.head,
  ): Reply {
    const reply = this.addReply(facts, parent);
    this.#addTokens(reply, text, tokens);
    return reply;
  }

  /** An event that is too large would never be stored. */
  #addTokens({ id: turn }: Reply, text: string, tokens: TokenColumns): void {
    for (const { details: _, ...chunk } of tokensIn({ from: 0, text, tokens, details: [] }, TOKENS_PER_EVENT)) {
      if (chunk.tokens.ids.length > 0) this.#record({ type: 'tokens', turn, ...chunk });
    }
  }

  /** Publishes the facts of a reply that this page generates. */
  noteReply(reply: Reply): void {
    this.#record({ type: 'reply', turn: reply.id, facts: reply.facts });
  }

  /**
   * The messages of the prompt, oldest first, each with its turn (null for the system prompt). Empty replies and
   * reasoning are left out.
   *
   * @param before leaves out this turn and those after it; may be in another branch
   */
  messages(before?: ChatTurn): { message: ChatMessage; turn: ChatTurn | null }[] {
    const turns = before === undefined || this.path.includes(before) ? this.path : this.#turns.pathTo(before.id);
    const end = before === undefined ? turns.length : turns.indexOf(before);
    const system = { message: { role: 'system', text: this.systemPrompt }, turn: null } as const;
    const said = turns.slice(0, end).flatMap((turn): { message: ChatMessage; turn: ChatTurn }[] => {
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
    for (const event of own) if (event.type === 'remove' || event.type === 'restore') this.#apply(event);
    if (this.#facts.head !== before) this.#showPath();
  }

  /** Merges the stored chat. What only this page has is kept. */
  merge(stored: StoredChat, own: readonly ChatEvent[] = []): void {
    const isNew = !this.hasContent;
    for (const turn of stored.turns) this.#mergeTurn(turn);
    this.#turns.setRemoved(stored.removed);
    if (isNew && own.length === 0) {
      this.#facts = factsOf(stored);
      this.#sharedHead = stored.head;
      this.updatedAt = stored.updatedAt;
    } else {
      this.receive([{ type: 'facts', facts: factsOf(stored), at: stored.updatedAt }], own);
    }
    this.revision = Math.max(this.revision, stored.revision);
    this.#showPath();
  }

  summary(): ChatSummary {
    const { id, title, createdAt, updatedAt } = this;
    const { pinned, folder } = this.#facts;
    return { id, title, pinned, folder, createdAt, updatedAt, turns: this.#turns.countVisible() };
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
          this.#turns.add(UserTurn.from({ ...event.turn, parent: this.#turns.known(event.turn.parent) }));
        } else {
          this.#turns.add(this.#prepared(new Reply({ ...event.turn, parent: this.#turns.known(event.turn.parent) })));
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
      case 'update':
        // Only notebooks have a text.
        return;
      case 'remove':
      case 'restore':
        this.#turns[event.type](event.turn);
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
    const mine = this.head;
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

  #prepared(reply: Reply): Reply {
    if (this.loadDetails !== null) reply.useDetails(this.loadDetails);
    const { branch, edit } = reply.facts;
    const origin = edit ?? branch;
    const source = this.#turns.get(origin?.turn ?? '');
    if (origin !== undefined && source instanceof Reply) reply.details.inherit(source.details, origin.index);
    return reply;
  }

  #mergeTurn(stored: StoredTurn): void {
    const known = this.#turns.get(stored.id);
    if (known === undefined) {
      if (stored.role === 'assistant') this.#turns.add(this.#prepared(new Reply(stored)));
      else this.#turns.add(UserTurn.from(stored));
      return;
    }
    if (stored.role !== 'assistant' || !(known instanceof Reply) || known === this.writing) return;
    const { id: turn, text, tokens, facts } = stored;
    const at = stored.createdAt;
    known.apply({ type: 'tokens', turn, from: 0, text, tokens, at });
    if (known.count <= tokens.ids.length) known.apply({ type: 'reply', turn, facts, at });
  }

  #setHead(head: string | null): void {
    this.#record({ type: 'facts', facts: { head } });
  }

  #showPath(): void {
    this.path = this.#turns.pathTo(this.#turns.headOutside(this.#facts.head));
  }
}
