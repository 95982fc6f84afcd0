import * as Y from 'yjs';
import {
  factsOf,
  NO_FACTS,
  type ChatChange,
  type ChatEvent,
  type ChatFacts,
  type ReplyFacts,
  type StoredChat,
  type StoredReplyTurn,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import {
  applyUpdate,
  encodeUpdate,
  notebookText,
  TOKEN,
  tokenMark,
} from '../../../../src-main/protocol/app/chats/notebook.ts';
import { newId } from '../../../lib/new-id.ts';
import type { ChatSink, SaveState } from '../../chat/state/chat-document.svelte.ts';
import { now } from '../../chat/state/identity.ts';
import type { SavedDocument } from '../../chat/state/outbox.svelte.ts';
import { Reply } from '../../chat/state/reply.svelte.ts';
import { titleFrom } from '../../chat/state/title.ts';
import type { LoadDetails } from '../../chat/state/token-details.svelte.ts';
import type { NotebookToken, TextRun } from './token-runs.ts';

/** Origins of changes to the text. */
export const TYPED = Symbol('typed');
export const GENERATED = Symbol('generated');
const STORED = Symbol('stored');

/**
 * Bytes of changes after which the whole text is saved, and at least as many as it is long: a damaged line then costs at
 * most what was written in between, and the journal at most twice as much.
 */
const WHOLE_AFTER = 16_384;
/** Pause in typing that ends a step of undo, ms. */
const PAUSE_MS = 500;
/** A title is made of the first characters. */
const TITLE_FROM = 300;
const TITLE_AFTER_MS = 1000;

/** An open notebook: one text, and the replies whose tokens are in it. Changes are events, as in a chat. */
export class NotebookDocument implements SavedDocument {
  #facts = $state.raw<ChatFacts>(NO_FACTS);
  /** Length of the text, UTF-16 units. */
  length = $state(0);
  /** Counts changes of the text and of its marks. */
  changes = $state(0);
  revision = 0;
  sink: ChatSink | null = null;
  loadDetails: LoadDetails | null = null;
  /** The reply that this page is generating. */
  writing = $state.raw<Reply | null>(null);
  /** Oldest first. Also those that are no longer in the text: Undo brings them back. */
  replies = $state.raw<readonly Reply[]>([]);

  /** Whether there is a step to undo, and one to redo. */
  canUndo = $state(false);
  canRedo = $state(false);

  readonly text: Y.Text;
  readonly undoManager: Y.UndoManager;
  readonly #document = new Y.Doc();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- readers depend on `changes`
  readonly #byId = new Map<string, Reply>();
  /** Bytes of changes since the whole text was saved. */
  #changedBytes = 0;
  #titleTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly id: string) {
    this.text = notebookText(this.#document);
    this.undoManager = new Y.UndoManager(this.text, {
      // eslint-disable-next-line svelte/prefer-svelte-reactivity -- it never changes
      trackedOrigins: new Set([TYPED, GENERATED]),
      captureTimeout: PAUSE_MS,
    });
    const noteSteps = () => {
      this.canUndo = this.undoManager.canUndo();
      this.canRedo = this.undoManager.canRedo();
    };
    for (const event of ['stack-item-added', 'stack-item-popped', 'stack-cleared'] as const) {
      this.undoManager.on(event, noteSteps);
    }
    this.text.observe(() => {
      this.length = this.text.length;
      this.changes++;
    });
    this.#document.on('update', (update, origin) => {
      if (origin === STORED) return;
      this.#changedBytes += update.length;
      const isWhole = this.#changedBytes > Math.max(WHOLE_AFTER, this.text.length);
      if (isWhole) this.#changedBytes = 0;
      const saved = isWhole ? Y.encodeStateAsUpdate(this.#document) : update;
      this.sink?.push({ type: 'update', update: encodeUpdate(saved), at: now() });
      if (this.#titleTimer === null) this.#titleTimer = setTimeout(() => this.#retitle(), TITLE_AFTER_MS);
    });
  }

  static create(): NotebookDocument {
    return new NotebookDocument(newId());
  }

  static from(stored: StoredChat, loadDetails: LoadDetails): NotebookDocument {
    const notebook = new NotebookDocument(stored.id);
    notebook.loadDetails = loadDetails;
    notebook.merge(stored);
    return notebook;
  }

  get title(): string {
    return this.#facts.title;
  }

  get hasContent(): boolean {
    return this.length > 0 || this.replies.length > 0;
  }

  get saveState(): SaveState {
    return this.sink?.state ?? 'saved';
  }

  reply(id: string): Reply | null {
    return this.#byId.get(id) ?? null;
  }

  /** The reply that was added last; null if there is none. */
  get lastReply(): Reply | null {
    return this.replies.at(-1) ?? null;
  }

  /** The text as runs with the same attributes. Reactive. */
  runs(): TextRun[] {
    void this.changes;
    const delta = this.text.toDelta() as { insert: string; attributes?: Record<string, unknown> }[];
    return delta.map(({ insert, attributes }) => ({ text: insert, attributes: attributes ?? {} }));
  }

  /** Changes the text in one step. */
  edit(origin: symbol, change: (text: Y.Text) => void): void {
    this.#document.transact(() => change(this.text), origin);
  }

  /** Everything that is changed until `endStep` is undone at once. */
  beginStep(): void {
    this.undoManager.stopCapturing();
    this.undoManager.captureTimeout = Infinity;
  }

  endStep(): void {
    this.undoManager.stopCapturing();
    this.undoManager.captureTimeout = PAUSE_MS;
  }

  /** Undoes the last step as if it had not been: it cannot be redone. */
  takeBackStep(): void {
    this.undoManager.undo();
    this.undoManager.clear(false, true);
  }

  /** A place in the text that moves with what is before it. Read it with `indexOf`. */
  placeAt(index: number): Y.RelativePosition {
    return Y.createRelativePositionFromTypeIndex(this.text, index);
  }

  indexOf(place: Y.RelativePosition): number {
    return Y.createAbsolutePositionFromRelativePosition(place, this.#document)?.index ?? this.text.length;
  }

  addReply(facts: ReplyFacts): Reply {
    const turn = { id: newId(), parent: null, role: 'assistant', createdAt: now(), facts } as const;
    this.#record({ type: 'turn', turn });
    return this.#byId.get(turn.id) as Reply;
  }

  /** Publishes the facts of a reply that this page generates. */
  noteReply(reply: Reply): void {
    this.#record({ type: 'reply', turn: reply.id, facts: reply.facts });
  }

  receive(events: readonly ChatEvent[], own: readonly ChatEvent[] = []): void {
    const keys = own.flatMap((event) => (event.type === 'facts' ? Object.keys(event.facts) : []));
    const replies = own.flatMap((event) => (event.type === 'reply' ? [event.turn] : []));
    for (const event of events) {
      if (event.type === 'facts') {
        const others = Object.entries(event.facts).filter(([key]) => !keys.includes(key));
        this.#facts = { ...this.#facts, ...Object.fromEntries(others) };
        // A person has not renamed it.
        if (this.title === this.#titleOfText()) this.#automaticTitle = this.title;
      } else if (event.type === 'reply' || event.type === 'tokens') {
        if (this.writing?.id !== event.turn && !replies.includes(event.turn)) this.#apply(event);
      } else this.#apply(event);
    }
  }

  merge(stored: StoredChat, own: readonly ChatEvent[] = []): void {
    for (const turn of stored.turns) if (turn.role === 'assistant') this.#mergeReply(turn);
    this.#document.transact(() => {
      for (const update of stored.updates ?? []) applyUpdate(this.#document, update, STORED);
    }, STORED);
    this.receive([{ type: 'facts', facts: factsOf(stored), at: stored.updatedAt }], own);
    this.revision = Math.max(this.revision, stored.revision);
  }

  #record(change: ChatChange): void {
    const event: ChatEvent = { ...change, at: now() };
    this.#apply(event);
    this.sink?.push(event);
  }

  #apply(event: ChatEvent): void {
    switch (event.type) {
      case 'facts':
        this.#facts = { ...this.#facts, ...event.facts };
        return;
      case 'turn':
        if (event.turn.role === 'assistant') this.#add(new Reply(event.turn));
        return;
      case 'tokens':
      case 'reply': {
        const reply = this.#byId.get(event.turn);
        if (reply !== undefined && reply !== this.writing && event.type === 'tokens') this.changes++;
        if (reply !== undefined && reply !== this.writing) reply.apply(event);
        return;
      }
      case 'update':
        applyUpdate(this.#document, event.update, STORED);
        return;
      case 'remove':
      case 'restore':
        // Replies are removed from the text, not from the notebook.
        return;
    }
  }

  #add(reply: Reply): void {
    if (this.#byId.has(reply.id)) return;
    if (this.loadDetails !== null) reply.useDetails(this.loadDetails);
    this.#byId.set(reply.id, reply);
    this.replies = [...this.replies, reply];
  }

  #mergeReply(stored: StoredReplyTurn): void {
    const known = this.#byId.get(stored.id);
    if (known === undefined) return this.#add(new Reply(stored));
    if (known === this.writing) return;
    const { id: turn, text, tokens, facts, createdAt: at } = stored;
    known.apply({ type: 'tokens', turn, from: 0, text, tokens, at });
    if (known.count <= tokens.ids.length) known.apply({ type: 'reply', turn, facts, at });
  }

  /** The title follows the beginning of the text until a person renames the notebook. */
  #retitle(): void {
    this.#titleTimer = null;
    const title = this.#titleOfText() ?? this.#automaticTitle;
    if (this.title !== '' && this.title !== this.#automaticTitle) return;
    this.#automaticTitle = title;
    if (title !== this.title) this.#record({ type: 'facts', facts: { title } });
  }

  /** Null without a text. */
  #titleOfText(): string | null {
    const beginning = this.text.toString().slice(0, TITLE_FROM);
    return beginning.trim() === '' ? null : titleFrom(beginning);
  }

  #automaticTitle = 'New notebook';
}

/** Inserts text that a person typed: without the marks of what is beside it. */
export function insertTyped(text: Y.Text, index: number, inserted: string): void {
  text.insert(index, inserted, {});
}

/** Inserts a generated token. @returns its length, UTF-16 units: 0 if it is part of a character */
export function insertToken(text: Y.Text, at: number, reply: Reply, index: number): number {
  const token = reply.token(index).text;
  if (token !== '') text.insert(at, token, { [TOKEN]: tokenMark(reply.id, index) });
  return token.length;
}

/** @param tokens in order */
export function removeTokens(text: Y.Text, tokens: readonly NotebookToken[]): void {
  for (const { from, to } of tokens.toReversed()) text.delete(from, to - from);
}
