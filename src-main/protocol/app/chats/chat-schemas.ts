/** Checks the parts of chats, from a page or from a file. `chat-write-schemas.ts` checks changes. */
import * as v from 'valibot';
import { ENGINE_ERROR_CODES } from '../../../engine/api/errors.ts';
import type { Candidate, Timings } from '../../../engine/api/types.ts';
import {
  chatTemplateChoice,
  continues,
  executorName,
  fileHashes,
  MAX_TEXT,
  runConditions,
  samplingParams,
  schemaOf,
  sha256Hex,
  stop,
  stopParams,
  stopReason,
  text,
  whenFull,
} from '../../fields.ts';
import { STOP_SETTINGS } from '../../../engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../engine/settings/sampling.ts';
import { MAX_TOKEN_ID, partialOf as partialSettings, schemasOf } from '../../setting-schemas.ts';
import { chatId, finite, isoDate, rate, shortText } from '../fields.ts';
import {
  ATTACHMENT_KINDS,
  MAX_ATTACHMENTS,
  MAX_FOLDER,
  NO_TOKEN,
  REPLY_PARTS,
  type Attachment,
  type ChatSettings,
  type EarlierStop,
  type ReplyFacts,
  type ReplyRun,
  type StoredStop,
  type TokenColumns,
} from './chat.ts';

const MAX_STAGE_NAME = 64;

export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const milliseconds = v.pipe(finite, v.minValue(0));

export const earlierStop = schemaOf<EarlierStop>()(
  v.object({
    reason: stopReason,
    detail: text,
    tokenId: v.exactOptional(count),
    stopString: v.exactOptional(text),
    errorCode: v.exactOptional(v.picklist(ENGINE_ERROR_CODES)),
  }),
);

const storedStop = schemaOf<StoredStop>()(v.union([stop, earlierStop]));

export const candidate = schemaOf<Candidate>()(
  v.object({
    id: count,
    piece: text,
    logprob: finite,
    sampledProbability: v.nullable(finite),
    removedBy: v.exactOptional(v.pipe(v.string(), v.maxLength(MAX_STAGE_NAME))),
  }),
);

export const timings = schemaOf<Timings>()(
  v.object({
    loadMs: milliseconds,
    prefillMs: milliseconds,
    timeToFirstTokenMs: v.nullable(milliseconds),
    prefillTokensPerSecond: rate,
    decodeTokensPerSecond: rate,
    totalMs: milliseconds,
    speculation: v.exactOptional(v.object({ drafted: count, accepted: count })),
  }),
);

export const turnId = chatId;

const chatSettings = schemaOf<ChatSettings>()(
  v.strictObject({
    sampling: partialSettings(schemasOf(SAMPLING_SETTINGS)),
    stop: partialSettings(schemasOf(STOP_SETTINGS)),
  }),
);

export const chatFacts = {
  title: shortText,
  modelId: v.pipe(v.string(), v.maxLength(128)),
  modelName: shortText,
  systemPrompt: text,
  head: v.nullable(turnId),
  pinned: v.boolean(),
  folder: v.pipe(v.string(), v.maxLength(MAX_FOLDER)),
  whenFull: v.exactOptional(whenFull),
  settings: v.nullable(chatSettings),
};

/** A reply of this many shifts has hundreds of thousands of tokens. */
const MAX_SHIFTS = 10_000;

export const replyEntries = {
  stop: v.nullable(storedStop),
  timings: v.nullable(timings),
  seed: count,
  sampling: samplingParams,
  modelId: chatFacts.modelId,
  model: shortText,
  vocabularySize: count,
  executor: executorName,
  notices: v.pipe(v.array(text), v.maxLength(100)),
  promptTokens: count,
  systemTokens: count,
  droppedMessages: count,
  contextUsed: count,
  runStart: count,
  shifts: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ at: count, tokens: count, ofReply: count, messages: count })),
      v.maxLength(MAX_SHIFTS),
    ),
  ),
  branch: v.exactOptional(v.strictObject({ turn: turnId, index: count })),
  edit: v.exactOptional(v.strictObject({ turn: v.nullable(turnId), index: count })),
};

export const replyRun = v.nullable(
  schemaOf<ReplyRun>()(
    v.strictObject({
      requestedAt: isoDate,
      systemPrompt: text,
      whenFull,
      template: chatTemplateChoice,
      enableThinking: v.nullable(v.boolean()),
      stop: stopParams,
      useKvCache: v.boolean(),
      continues: v.nullable(continues),
      chosen: v.exactOptional(v.strictObject({ id: count, idsBefore: count })),
      promptDigest: sha256Hex,
      architecture: shortText,
      files: v.nullable(fileHashes),
      conditions: runConditions,
    }),
  ),
);

export const replyFacts = schemaOf<ReplyFacts>()(v.strictObject({ ...replyEntries, run: v.exactOptional(replyRun) }));

const attachment = schemaOf<Attachment>()(
  v.pipe(
    v.strictObject({
      name: shortText,
      kind: v.picklist(ATTACHMENT_KINDS),
      bytes: count,
      start: count,
      end: v.pipe(count, v.maxValue(MAX_TEXT)),
      notes: v.pipe(v.array(shortText), v.maxLength(10)),
    }),
    v.check(({ start, end }) => start <= end, 'Expected a range'),
  ),
);

export const userTurn = v.strictObject({
  id: turnId,
  parent: v.nullable(turnId),
  role: v.literal('user'),
  text,
  createdAt: isoDate,
  attachments: v.exactOptional(v.pipe(v.array(attachment), v.minLength(1), v.maxLength(MAX_ATTACHMENTS))),
});
export const replyTurn = v.strictObject({
  id: turnId,
  parent: v.nullable(turnId),
  role: v.literal('assistant'),
  createdAt: isoDate,
  facts: replyFacts,
});

const COLUMNS: { readonly [C in keyof TokenColumns]: (value: unknown) => boolean } = {
  ids: (value) => isWhole(value, NO_TOKEN, MAX_TOKEN_ID),
  lengths: (value) => isWhole(value, 0, MAX_TEXT),
  parts: (value) => isWhole(value, 0, REPLY_PARTS.length - 1),
  logprobs: Number.isFinite,
  latencies: (value) => Number.isFinite(value) && (value as number) >= 0,
};
const COLUMN_NAMES = Object.keys(COLUMNS) as (keyof TokenColumns)[];

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Checked in one pass, because a reply may have 100,000 tokens. */
export function isTokenColumns(value: unknown): value is TokenColumns {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== COLUMN_NAMES.length) return false;
  const length: unknown = (value as Partial<TokenColumns>).ids?.length;
  return COLUMN_NAMES.every((name) => {
    const column: unknown = Reflect.get(value, name);
    return Array.isArray(column) && column.length === length && column.every(COLUMNS[name]);
  });
}
