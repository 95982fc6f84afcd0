/** Checks changes of chats and notebooks from a page and refuses invalid ones. */
import * as v from 'valibot';
import { schemaOf, text } from '../../fields.ts';
import { strictPartialOf } from '../../setting-schemas.ts';
import { chatId, finite, isoDate } from '../fields.ts';
import {
  candidate,
  chatFacts,
  count,
  isTokenColumns,
  replyEntries,
  replyRun,
  replyTurn,
  turnId,
  userTurn,
} from './chat-schemas.ts';
import {
  MAX_DETAILS_PER_CHUNK,
  MAX_EVENTS_PER_WRITE,
  type ChatEvent,
  type ChatFacts,
  type ChatWrite,
  type DetailsChunk,
  type ReplyFacts,
  type TokenColumns,
  type TokenDetails,
} from './chat.ts';
import { isUpdate } from './notebook.ts';

/** Maximum tokens of one event; a page sends those of half a second. */
const MAX_TOKENS_PER_EVENT = 100_000;
const MAX_TOKENS_PER_REPLY = 2_000_000;

const tokens = v.pipe(
  v.strictObject({
    type: v.literal('tokens'),
    at: isoDate,
    turn: turnId,
    from: v.pipe(count, v.maxValue(MAX_TOKENS_PER_REPLY)),
    text,
    tokens: v.custom<TokenColumns>(isTokenColumns, 'Expected columns of numbers of equal length'),
  }),
  v.check(
    (event) => event.tokens.ids.length <= MAX_TOKENS_PER_EVENT,
    `Expected at most ${MAX_TOKENS_PER_EVENT} tokens`,
  ),
  v.check(
    (event) => event.tokens.lengths.reduce((sum, length) => sum + length, 0) === event.text.length,
    'Expected lengths that add up to the text’s',
  ),
);

export const notebookUpdate = v.pipe(text, v.check(isUpdate, 'Expected a change of a text'));

const chatEvent = schemaOf<ChatEvent>()(
  v.variant('type', [
    v.strictObject({
      type: v.literal('facts'),
      at: isoDate,
      facts: strictPartialOf<ChatFacts>(chatFacts),
    }),
    v.strictObject({ type: v.literal('turn'), at: isoDate, turn: v.variant('role', [userTurn, replyTurn]) }),
    tokens,
    v.strictObject({
      type: v.literal('reply'),
      at: isoDate,
      turn: turnId,
      facts: strictPartialOf<ReplyFacts>({ ...replyEntries, run: replyRun }),
    }),
    v.strictObject({ type: v.literal('update'), at: isoDate, update: notebookUpdate }),
    v.strictObject({ type: v.literal('remove'), at: isoDate, turn: turnId }),
    v.strictObject({ type: v.literal('restore'), at: isoDate, turn: turnId }),
  ]),
);

const details = schemaOf<DetailsChunk>()(
  v.strictObject({
    turn: turnId,
    from: count,
    details: v.pipe(
      v.array(
        schemaOf<TokenDetails>()(
          v.strictObject({
            piece: text,
            rank: count,
            sampledProbability: finite,
            survivors: count,
            candidates: v.pipe(v.array(candidate), v.maxLength(100)),
          }),
        ),
      ),
      v.maxLength(MAX_DETAILS_PER_CHUNK),
    ),
  }),
);

export const chatWrite = schemaOf<ChatWrite>()(
  v.strictObject({
    id: chatId,
    base: count,
    origin: v.pipe(v.string(), v.maxLength(64)),
    events: v.pipe(v.array(chatEvent), v.maxLength(MAX_EVENTS_PER_WRITE)),
    details: v.pipe(v.array(details), v.maxLength(MAX_EVENTS_PER_WRITE)),
  }),
);

export const detailsRange = v.strictObject({
  id: chatId,
  turn: turnId,
  from: count,
  count: v.pipe(count, v.maxValue(1024)),
});
