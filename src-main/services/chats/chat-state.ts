import { branchesOf } from '../../protocol/app/chats/branches.ts';
import type { ChatEvent, ChatSummary } from '../../protocol/app/chats/chat.ts';
import { mergedUpdate, NOTEBOOK_TEXT, textOfUpdates } from '../../protocol/app/chats/notebook.ts';
import { entriesOf, isEnd, START, VERSION, type Cursor, type DetailsPosition, type Entry } from './journal-format.ts';

/** Positions of chunks of details of one reply, newest last: from, count, offset, length, four numbers each. */
type Positions = number[];
const PLACE = 4;

interface TurnState {
  parent: string | null;
  /** Tokens so far; 0 for a user's turn. */
  count: number;
  /** Text that is not in the index yet. */
  text: string;
}

const MAX_MARKS = 128;

/** State of an open chat in the store: positions in its journal, not the content. */
export class ChatState {
  readonly cursor: Cursor = { ...START };
  title = '';
  pinned = false;
  folder = '';
  createdAt = '';
  updatedAt = '';
  /** Revisions below this one were merged by compaction. */
  floor = 0;
  damagedLines = 0;
  /** Number of lines that compaction could merge with others. */
  mergeable = 0;
  /** Names of the facts that it has. */
  readonly facts = new Set<string>();
  readonly #turns = new Map<string, TurnState>();
  /** Turns with others after them. */
  readonly #parents = new Set<string>();
  /** Turns with text that was not taken yet. */
  readonly #untaken = new Set<string>();
  readonly #removed = new Set<string>();
  /** Updates of a notebook's text; null for a chat. */
  #updates: string[] | null = null;
  /** Its text has changed since it was taken. */
  #textChanged = false;
  readonly #positions = new Map<string, Positions>();
  /** Positions from which reading can resume, oldest first. */
  #marks: Cursor[] = [];
  #lastTurn: string | null = null;

  constructor(
    readonly id: string,
    /** Identity of the file (`FileStatus.identity`). */
    readonly file: string,
  ) {}

  get revision(): number {
    return this.cursor.revision;
  }

  get isOfLaterVersion(): boolean {
    return (this.cursor.header?.version ?? VERSION) > VERSION;
  }

  /** Processes the next bytes; an incomplete line stays unread. */
  read(bytes: Buffer): Entry[] {
    const entries: Entry[] = [];
    const before = { ...this.cursor };
    const wasEmpty = this.cursor.header === undefined;
    for (const entry of entriesOf(bytes, this.cursor)) {
      this.#take(entry);
      entries.push(entry);
    }
    const { header } = this.cursor;
    if (wasEmpty && header) {
      this.createdAt = header.createdAt;
      if (this.updatedAt === '') this.updatedAt = header.createdAt;
      this.floor = Math.max(this.floor, header.revision);
    } else if (!wasEmpty) this.#marks = [...this.#marks, before].slice(-MAX_MARKS);
    return entries;
  }

  #take({ event, places, kept }: Entry): void {
    if (kept?.damaged) this.damagedLines++;
    for (const [turn, ...place] of places) {
      const known = this.#positions.get(turn);
      if (known) known.push(...place);
      else this.#positions.set(turn, place);
    }
    if (event === null) return;
    if (event.at > this.updatedAt) this.updatedAt = event.at;
    // The header is damaged.
    if (this.createdAt === '') this.createdAt = event.at;
    this.#apply(event);
  }

  #apply(event: ChatEvent): void {
    switch (event.type) {
      case 'facts':
        this.mergeable++;
        for (const name of Object.keys(event.facts)) this.facts.add(name);
        this.title = event.facts.title ?? this.title;
        this.pinned = event.facts.pinned ?? this.pinned;
        this.folder = event.facts.folder ?? this.folder;
        return;
      case 'turn': {
        const { id, parent } = event.turn;
        if (this.#turns.has(id)) return;
        const text = event.turn.role === 'user' ? event.turn.text : '';
        const isKnown = parent === null || this.#turns.has(parent);
        const before = isKnown ? parent : this.#lastTurn;
        this.#turns.set(id, { parent: before, count: 0, text });
        if (before !== null) this.#parents.add(before);
        if (text !== '') this.#untaken.add(id);
        this.#lastTurn = id;
        return;
      }
      case 'tokens': {
        this.mergeable++;
        const turn = this.#turns.get(event.turn);
        if (!turn) return;
        const skip = Math.max(0, turn.count - event.from);
        if (skip >= event.tokens.ids.length) return;
        const skipped = event.tokens.lengths.slice(0, skip).reduce((sum, length) => sum + length, 0);
        turn.text += event.text.slice(skipped);
        if (turn.text !== '') this.#untaken.add(event.turn);
        turn.count = Math.max(turn.count, event.from) + event.tokens.ids.length - skip;
        return;
      }
      case 'reply':
        this.mergeable++;
        return;
      case 'update':
        this.mergeable++;
        (this.#updates ??= []).push(event.update);
        this.#textChanged = true;
        return;
      case 'remove':
        if (this.#turns.has(event.turn)) this.#removed.add(event.turn);
        return;
      case 'restore':
        this.#removed.delete(event.turn);
        return;
    }
  }

  /** Whether the index lacks texts of turns that have not ended. */
  get hasTexts(): boolean {
    return this.#untaken.size > 0 || this.#textChanged;
  }

  /** Returns texts that are not in the index yet: of completed turns, or of all. */
  takeTexts(which: 'ended' | 'all', events: readonly ChatEvent[] = []): { turn: string; text: string }[] {
    const ended = new Set(events.flatMap((event) => idsOfEnded(event)));
    const taken: { turn: string; text: string }[] = [];
    for (const id of which === 'all' ? [...this.#untaken] : ended) {
      const turn = this.#turns.get(id);
      if (!turn || !this.#untaken.delete(id)) continue;
      taken.push({ turn: id, text: turn.text });
      turn.text = '';
    }
    if (which === 'all' && this.#textChanged && this.#updates !== null) {
      this.#textChanged = false;
      this.#updates = [mergedUpdate(this.#updates)];
      taken.push({ turn: NOTEBOOK_TEXT, text: textOfUpdates(this.#updates) });
    }
    return taken;
  }

  /** Deleted turns and all their descendants. */
  hidden(): string[] {
    if (this.#removed.size === 0) return [];
    const hidden = new Set<string>();
    // Parents come before their children.
    for (const [id, { parent }] of this.#turns) {
      if (this.#removed.has(id) || (parent !== null && hidden.has(parent))) hidden.add(id);
    }
    return [...hidden];
  }

  summary(hidden = this.hidden()): ChatSummary {
    const { id, title, pinned, folder, createdAt, updatedAt } = this;
    const turns = this.#turns.size - hidden.length;
    const notebook = this.#updates === null ? {} : ({ notebook: true } as const);
    const branches = branchesOf(turns, this.#parentsWithout(hidden));
    return { id, title, pinned, folder, createdAt, updatedAt, turns, ...branches, ...notebook };
  }

  #parentsWithout(hidden: readonly string[]): ReadonlySet<string> {
    if (hidden.length === 0) return this.#parents;
    const left = new Map(this.#turns);
    for (const id of hidden) left.delete(id);
    return new Set(Array.from(left.values(), ({ parent }) => parent).filter((parent) => parent !== null));
  }

  /** Position from which to read what came after a revision, which must not be below `floor`. */
  cursorBefore(revision: number): Cursor {
    return { ...(this.#marks.findLast((mark) => mark.revision <= revision) ?? START) };
  }

  get turnCount(): number {
    return this.#turns.size;
  }

  /** All chunks of details, by turn. */
  allPositions(): Map<string, DetailsPosition[]> {
    const all = new Map<string, DetailsPosition[]>();
    for (const [turn, places] of this.#positions) {
      const ofTurn: DetailsPosition[] = [];
      for (let at = 0; at < places.length; at += PLACE) {
        ofTurn.push([turn, places[at], places[at + 1], places[at + 2], places[at + 3]]);
      }
      all.set(turn, ofTurn);
    }
    return all;
  }

  /** Chunks that contain tokens of the range, newest first. */
  positionsOf(
    turn: string,
    from: number,
    count: number,
  ): { from: number; count: number; offset: number; length: number }[] {
    const places = this.#positions.get(turn) ?? [];
    const found = [];
    for (let at = places.length - PLACE; at >= 0; at -= PLACE) {
      const [first, tokens, offset, length] = places.slice(at, at + PLACE);
      if (first < from + count && from < first + tokens) found.push({ from: first, count: tokens, offset, length });
    }
    return found;
  }
}

function idsOfEnded(event: ChatEvent): string[] {
  if (event.type === 'turn' && event.turn.role === 'user') return [event.turn.id];
  return event.type === 'reply' && isEnd(event.facts) ? [event.turn] : [];
}
