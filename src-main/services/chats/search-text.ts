/**
 * The texts of all chats in lower case, one checksummed line per turn: `ID \1 TURN \1 TEXT`. Searched as bytes, so that
 * 50 MB of text are not converted to strings.
 */
import type { SearchHit } from '../../protocol/app/chats/chat.ts';
import { AFTER, around, BEFORE, plain } from '../../protocol/app/chats/search-hit.ts';
import { checksummed, payloadOf } from './lines.ts';

const SEPARATOR = 0x01;
const NEWLINE = 0x0a;
/** With the space after it. */
const CHECKSUM_BYTES = 9;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const UNIT_BYTES = 3;

export interface TurnText {
  turn: string;
  text: string;
}

export function textLine(id: string, { turn, text }: TurnText): Buffer {
  return checksummed(Buffer.from(`${id}\x01${turn}\x01${plain(text)}`));
}

/** Of a line, which begins at `start`. */
export function checksumOf(texts: Buffer, start = 0): string {
  return texts.toString('latin1', start, start + CHECKSUM_BYTES - 1);
}

export interface TextLine {
  id: string;
  turn: string;
  checksum: string;
  /** The whole line. */
  bytes: Buffer;
}

/** Complete, undamaged lines. */
export function* textLines(texts: Buffer): Generator<TextLine> {
  for (let start = 0; ;) {
    const end = texts.indexOf(NEWLINE, start);
    if (end < 0) return;
    const payload = payloadOf(texts.subarray(start, end));
    const line = payload === null ? null : namesOf(payload);
    if (line !== null) {
      const bytes = texts.subarray(start, end + 1);
      yield { id: line.id, turn: line.turn, checksum: checksumOf(bytes), bytes };
    }
    start = end + 1;
  }
}

/** Calls `found` for each line that contains the query, with its checksum. The hit's texts are in lower case. */
export function findIn(
  texts: Buffer,
  query: string,
  found: (id: string, hit: SearchHit, checksum: string) => void,
): void {
  const wanted = Buffer.from(plain(query));
  if (wanted.length === 0) return;
  for (let from = 0; ;) {
    const hit = texts.indexOf(wanted, from);
    if (hit < 0) return;
    const start = texts.lastIndexOf(NEWLINE, hit) + 1;
    const next = texts.indexOf(NEWLINE, hit);
    const end = next < 0 ? texts.length : next;
    const line = namesOf(texts.subarray(start + CHECKSUM_BYTES, end));
    const textStart = line === null ? end : start + CHECKSUM_BYTES + line.textStart;
    if (line !== null && hit >= textStart) {
      const before = texts.toString('utf8', Math.max(textStart, hit - UNIT_BYTES * 2 * BEFORE), hit);
      const after = texts.toString(
        'utf8',
        hit + wanted.length,
        Math.min(end, hit + wanted.length + UNIT_BYTES * 2 * AFTER),
      );
      found(line.id, { turn: line.turn, ...around(before, plain(query), after) }, checksumOf(texts, start));
      from = end;
    } else {
      // The match is in the ids before the text.
      from = Math.max(hit + 1, textStart);
    }
  }
}

function namesOf(payload: Buffer): { id: string; turn: string; textStart: number } | null {
  const first = payload.indexOf(SEPARATOR);
  const second = first < 0 ? -1 : payload.indexOf(SEPARATOR, first + 1);
  if (second < 0) return null;
  const id = payload.toString('utf8', 0, first);
  return { id, turn: payload.toString('utf8', first + 1, second), textStart: second + 1 };
}
