/** What the lines of a journal mean: a header, then events. The order of lines is the order of revisions for everybody. */
import type { ChatEvent, ReplyFacts, TokenColumns } from '../../protocol/app/chats/chat.ts';
import { isUpdate } from '../../protocol/app/chats/notebook.ts';
import { isRecord } from '../../protocol/is-record.ts';
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
  /** Revision after the first `body` lines, which compaction wrote; every further line adds one. */
  revision: number;
  body: number;
  /** Size of the file before compaction that this one replaces; what was added to it later is appended here. */
  replaces: number;
}

/** Position of details in the details file: `count` tokens of a turn from index `from`, at byte `offset`. */
export type DetailsPosition = [turn: string, from: number, count: number, offset: number, length: number];

export interface Entry {
  /** Null: damaged, of a later version, or only `places`. */
  event: ChatEvent | null;
  places: DetailsPosition[];
  /** The line, if it is damaged or of a later version: compaction keeps it. */
  kept: { damaged: boolean; bytes: Buffer } | null;
  /** After this line. */
  revision: number;
  /** Offset after the line. */
  end: number;
}

const COLUMNS = ['ids', 'lengths', 'parts', 'logprobs', 'latencies'] as const satisfies (keyof TokenColumns)[];

/** Position up to which a journal was read. */
export interface Cursor {
  offset: number;
  revision: number;
  /** Undefined: the first line was not read yet; null: it is damaged. */
  header: Header | null | undefined;
  /** Unread lines of the body. */
  bodyLeft: number;
}

export const START: Readonly<Cursor> = { offset: 0, revision: 0, header: undefined, bodyLeft: 0 };

export function headerLine(header: Omit<Header, 'format' | 'version'>): Buffer {
  return encodeLine({ format: FORMAT, version: VERSION, ...header } satisfies Header);
}

export function eventLine(event: ChatEvent, places: readonly DetailsPosition[] = []): Buffer {
  const value = event.type === 'tokens' ? { ...event, tokens: rounded(event.tokens) } : event;
  return encodeLine(places.length === 0 ? value : { ...value, places });
}

export function positionsLine(places: readonly DetailsPosition[]): Buffer {
  return encodeLine({ type: 'details', places });
}

/** Tokens as they are stored: probabilities with six digits, times to a microsecond. */
export function rounded(tokens: TokenColumns): TokenColumns {
  return {
    ...tokens,
    logprobs: tokens.logprobs.map((value) => Number(value.toPrecision(6))),
    latencies: tokens.latencies.map((value) => Math.round(value * 1000) / 1000),
  };
}

/** Parses the complete lines of `bytes`, which begin at `cursor.offset`, and advances the cursor. */
export function* entriesOf(bytes: Buffer, cursor: Cursor): Generator<Entry> {
  const start = cursor.offset;
  for (const line of linesOf(bytes)) {
    cursor.offset = start + line.end;
    if (line.kind === 'torn') continue;
    const header = line.kind === 'read' ? asHeader(line.value) : null;
    const isFirst = cursor.header === undefined;
    if (isFirst) openWith(cursor, header);
    // There is a second header if two processes created the file at the same time.
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

/** Null for an unknown kind of line. Lines were validated before they were written. */
function contentOf(value: unknown): { event: ChatEvent | null; places: DetailsPosition[] } | null {
  if (!isRecord(value)) return null;
  const { places = [], ...event } = value;
  if (!Array.isArray(places)) return null;
  if (event.type === 'details') return { event: null, places: places as DetailsPosition[] };
  return isEvent(event) ? { event, places: places as DetailsPosition[] } : null;
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
    case 'update':
      return typeof value.update === 'string' && isUpdate(value.update);
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

/** Whether these facts end a reply. */
export function isEnd(facts: Partial<ReplyFacts>): boolean {
  return facts.stop !== undefined && facts.stop !== null;
}
