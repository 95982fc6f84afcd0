/** What the lines of a journal mean: a header, then events. The order of lines is the order of revisions for everybody. */
import type { ChatEvent, ReplyFacts, TokenColumns } from '../../protocol/app/chats/chat.ts';
import { encodeLine, linesOf } from './lines.ts';

export const FORMAT = 'tokenscope-chat';
/** 1 is the single JSON file of earlier versions (`v1-format.ts`). */
export const VERSION = 2;

export interface Header {
  format: typeof FORMAT;
  version: number;
  id: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** After the first `body` lines, which compaction wrote; every further line adds one. */
  revision: number;
  body: number;
  /** Bytes of the file before compaction that this one stands for; what was added to it later is appended here. */
  replaces: number;
}

/** Where details are in the details file: `count` tokens of a turn from index `from`, at byte `offset`. */
export type DetailsPlace = [turn: string, from: number, count: number, offset: number, length: number];

export interface Entry {
  /** Null: damaged, of a later version, or nothing but `places`. */
  event: ChatEvent | null;
  places: DetailsPlace[];
  /** The line, when it is damaged or of a later version: compaction keeps it. */
  kept: { damaged: boolean; bytes: Buffer } | null;
  /** After this line. */
  revision: number;
  /** Byte after the line. */
  end: number;
}

const COLUMNS = ['ids', 'lengths', 'parts', 'logprobs', 'latencies'] as const satisfies (keyof TokenColumns)[];

/** How far a journal was read. */
export interface Cursor {
  offset: number;
  revision: number;
  /** Undefined: the first line was not read yet; null: it is damaged. */
  header: Header | null | undefined;
  /** Lines of the body that were not read yet. */
  bodyLeft: number;
}

export const START: Readonly<Cursor> = { offset: 0, revision: 0, header: undefined, bodyLeft: 0 };

export function headerLine(header: Omit<Header, 'format' | 'version'>): Buffer {
  return encodeLine({ format: FORMAT, version: VERSION, ...header } satisfies Header);
}

/** Probabilities need no more than six digits, and times no more than a microsecond. */
export function eventLine(event: ChatEvent, places: readonly DetailsPlace[] = []): Buffer {
  const value = event.type === 'tokens' ? rounded(event) : event;
  return encodeLine(places.length === 0 ? value : { ...value, places });
}

export function placesLine(places: readonly DetailsPlace[]): Buffer {
  return encodeLine({ type: 'details', places });
}

function rounded(event: Extract<ChatEvent, { type: 'tokens' }>): ChatEvent {
  const { tokens } = event;
  return {
    ...event,
    tokens: {
      ...tokens,
      logprobs: tokens.logprobs.map((value) => Number(value.toPrecision(6))),
      latencies: tokens.latencies.map((value) => Math.round(value * 1000) / 1000),
    },
  };
}

/** Reads the whole lines of `bytes`, which begin at `cursor.offset`, and moves the cursor. */
export function* entriesOf(bytes: Buffer, cursor: Cursor): Generator<Entry> {
  const start = cursor.offset;
  for (const line of linesOf(bytes)) {
    cursor.offset = start + line.end;
    if (line.kind === 'torn') continue;
    const header = line.kind === 'read' ? asHeader(line.value) : null;
    const isFirst = cursor.header === undefined;
    if (isFirst) openWith(cursor, header);
    // A second header comes from two processes that created the file at the same time.
    if (header !== null) continue;
    const damaged = line.kind === 'damaged';
    if (!(isFirst && damaged)) countLine(cursor);
    const content = line.kind === 'read' ? contentOf(line.value) : null;
    yield {
      event: content?.event ?? null,
      places: content?.places ?? [],
      kept: content === null ? { damaged, bytes: bytes.subarray(line.start, line.end) } : null,
      revision: cursor.revision,
      end: cursor.offset,
    };
  }
}

function openWith(cursor: Cursor, header: Header | null): void {
  cursor.header = header;
  cursor.revision = header?.revision ?? 0;
  cursor.bodyLeft = header?.body ?? 0;
}

function countLine(cursor: Cursor): void {
  if (cursor.bodyLeft > 0) cursor.bodyLeft--;
  else cursor.revision++;
}

function asHeader(value: unknown): Header | null {
  if (!isRecord(value) || value.format !== FORMAT || typeof value.version !== 'number') return null;
  const whole = (one: unknown) => (Number.isSafeInteger(one) ? (one as number) : 0);
  return {
    format: FORMAT,
    version: value.version,
    id: String(value.id),
    createdAt: typeof value.createdAt === 'string' ? value.createdAt : '',
    revision: whole(value.revision),
    body: whole(value.body),
    replaces: whole(value.replaces),
  };
}

/** Null for a kind of line that this version does not know. Lines were checked before they were written. */
function contentOf(value: unknown): { event: ChatEvent | null; places: DetailsPlace[] } | null {
  if (!isRecord(value)) return null;
  const { places = [], ...event } = value;
  if (!Array.isArray(places)) return null;
  if (event.type === 'details') return { event: null, places: places as DetailsPlace[] };
  return isEvent(event) ? { event, places: places as DetailsPlace[] } : null;
}

function isEvent(value: Record<string, unknown>): value is ChatEvent & Record<string, unknown> {
  if (typeof value.at !== 'string') return false;
  switch (value.type) {
    case 'facts':
      return isRecord(value.facts);
    case 'turn':
      return isTurn(value.turn);
    case 'tokens':
      return typeof value.turn === 'string' && typeof value.text === 'string' && isColumns(value.tokens);
    case 'reply':
      return typeof value.turn === 'string' && isRecord(value.facts);
    case 'remove':
    case 'restore':
      return typeof value.turn === 'string';
    default:
      return false;
  }
}

function isColumns(value: unknown): boolean {
  if (!isRecord(value) || !Array.isArray(value.ids)) return false;
  const { length } = value.ids;
  return COLUMNS.every((name) => Array.isArray(value[name]) && value[name].length === length);
}

function isTurn(value: unknown): boolean {
  if (!isRecord(value) || typeof value.id !== 'string') return false;
  if (value.parent !== null && typeof value.parent !== 'string') return false;
  return value.role === 'user' ? typeof value.text === 'string' : value.role === 'assistant' && isRecord(value.facts);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a reply that has these facts ended. */
export function isEnd(facts: Partial<ReplyFacts>): boolean {
  return facts.stop !== undefined && facts.stop !== null;
}
