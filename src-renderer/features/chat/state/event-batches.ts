import type { ChatEvent } from '../../../../src-main/protocol/app/chats/chat.ts';

/** Limits of one write: far below what a request may have, so that other pages are not kept waiting. */
const MAX_EVENTS = 500;
const MAX_UNITS = 1_000_000;
/** Of a token's numbers as text, UTF-16 units. */
const TOKEN_UNITS = 40;

/** Splits many events into writes. */
export function* batchesOf(events: readonly ChatEvent[]): Generator<ChatEvent[]> {
  let batch: ChatEvent[] = [];
  let units = 0;
  for (const event of events) {
    const size = sizeOf(event);
    if (batch.length > 0 && (batch.length >= MAX_EVENTS || units + size > MAX_UNITS)) {
      yield batch;
      batch = [];
      units = 0;
    }
    batch.push(event);
    units += size;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf(event: ChatEvent): number {
  if (event.type === 'tokens') return event.text.length + TOKEN_UNITS * event.tokens.ids.length;
  return event.type === 'turn' && event.turn.role === 'user' ? event.turn.text.length : 1000;
}
