/**
 * Checks runs of Compare, from a page or from a file. Settings that did not exist when a file was written have their
 * default. Unknown keys are refused, because ignoring a later version's setting would change what a run says.
 */
import * as v from 'valibot';
import { SAMPLING_SETTINGS } from '../../../engine/settings/sampling.ts';
import { STOP_SETTINGS } from '../../../engine/settings/generation.ts';
import { defaultsOf, type SettingTable, type ValuesOf } from '../../../engine/settings/setting.ts';
import { chatTemplateChoice, executorName, modelId, schemaOf, text, whenFull } from '../../fields.ts';
import { isRecord } from '../../is-record.ts';
import { schemasOf } from '../../setting-schemas.ts';
import { count, isTokenColumns, replyFacts } from '../chats/chat-schemas.ts';
import type { ReplyFacts, TokenColumns } from '../chats/chat.ts';
import { comparisonId, isoDate, shortText } from '../fields.ts';
import {
  COMPARISON_FORMAT,
  MAX_COMPARED_LANES,
  MAX_LABEL,
  MAX_LANE_SETS,
  MAX_REPLIES,
  MAX_SAMPLES,
  MAX_VOTES,
  PROMPT_START,
  type BlindVote,
  type ComparedPrompt,
  type ComparisonSummary,
  type ComparisonWrite,
  type LaneReply,
  type LaneSet,
  type LaneSettings,
  type StoredComparison,
  type StoredLane,
} from './comparison.ts';

const label = v.pipe(v.string(), v.maxLength(MAX_LABEL));
const lanesOf = <T extends v.GenericSchema>(lane: T) =>
  v.pipe(v.array(lane), v.minLength(1), v.maxLength(MAX_COMPARED_LANES));
const samples = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SAMPLES));
const laneIndex = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COMPARED_LANES - 1));

/** All settings of a table; missing ones have their default. */
function completed<T extends SettingTable>(table: T): v.GenericSchema<unknown, ValuesOf<T>> {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (isRecord(value) ? { ...defaultsOf(table), ...value } : value)),
    v.strictObject(schemasOf(table)),
  ) as v.GenericSchema<unknown, ValuesOf<T>>;
}

const sampling = completed(SAMPLING_SETTINGS);
const stop = completed(STOP_SETTINGS);

export const laneSettings = schemaOf<LaneSettings>()(
  v.strictObject({
    label,
    modelId,
    modelName: shortText,
    sampling,
    stop,
    systemPrompt: text,
    template: chatTemplateChoice,
    enableThinking: v.nullable(v.boolean()),
    executor: v.nullable(executorName),
    samples,
  }),
);

const facts: v.GenericSchema<unknown, ReplyFacts> = v.pipe(
  v.unknown(),
  v.transform((value) =>
    isRecord(value) && isRecord(value.sampling)
      ? { ...value, sampling: { ...defaultsOf(SAMPLING_SETTINGS), ...value.sampling } }
      : value,
  ),
  replyFacts,
);

const laneReply = schemaOf<LaneReply>()(
  v.pipe(
    v.strictObject({
      text,
      tokens: v.custom<TokenColumns>(isTokenColumns, 'Expected columns of numbers of equal length'),
      facts,
    }),
    v.check(
      (reply) => reply.tokens.lengths.reduce((sum, length) => sum + length, 0) === reply.text.length,
      'Expected lengths that add up to the text’s',
    ),
    // The page keeps an offset of each token up to there.
    v.check((reply) => reply.facts.runStart <= reply.tokens.ids.length, 'Expected a run that begins at its tokens'),
  ),
);

const storedLane = schemaOf<StoredLane>()(
  v.strictObject({ settings: laneSettings, replies: v.pipe(v.array(laneReply), v.maxLength(MAX_REPLIES)) }),
);

const prompt = schemaOf<ComparedPrompt>()(
  v.variant('kind', [
    v.strictObject({ kind: v.literal('text'), text }),
    v.strictObject({
      kind: v.literal('chat'),
      messages: v.pipe(
        v.array(v.strictObject({ role: v.picklist(['user', 'assistant']), text })),
        v.minLength(1),
        v.maxLength(10_000),
      ),
      whenFull: v.exactOptional(whenFull),
    }),
  ]),
);

const blindVote = schemaOf<BlindVote>()(
  v.pipe(
    v.strictObject({
      at: isoDate,
      winner: v.nullable(laneIndex),
      lanes: lanesOf(v.strictObject({ label, modelName: shortText, key: v.pipe(v.string(), v.maxLength(64)) })),
    }),
    v.check(({ winner, lanes }) => winner === null || winner < lanes.length, 'Expected the index of a lane'),
  ),
);
const votes = v.pipe(v.array(blindVote), v.maxLength(MAX_VOTES));

const namedEntries = { id: comparisonId, title: shortText, createdAt: isoDate, updatedAt: isoDate, revision: count };

export const storedComparison = schemaOf<StoredComparison>()(
  v.pipe(
    v.strictObject({
      format: v.literal(COMPARISON_FORMAT),
      ...namedEntries,
      prompt,
      lanes: lanesOf(storedLane),
      pinned: v.nullable(laneIndex),
      votes,
    }),
    v.check(({ pinned, lanes }) => pinned === null || pinned < lanes.length, 'Expected `pinned` to be a lane’s index'),
  ),
);

export const comparisonWrite = schemaOf<ComparisonWrite>()(
  v.strictObject({ comparison: storedComparison, origin: v.pipe(v.string(), v.maxLength(64)) }),
);

export const comparisonSummary = schemaOf<ComparisonSummary>()(
  v.strictObject({
    ...namedEntries,
    promptStart: v.pipe(v.string(), v.maxLength(PROMPT_START)),
    lanes: lanesOf(v.strictObject({ label, modelName: shortText, samples })),
    votes,
  }),
);

const laneSet = schemaOf<LaneSet>()(v.strictObject({ id: comparisonId, name: label, lanes: lanesOf(laneSettings) }));

export const laneSets = v.pipe(v.array(laneSet), v.maxLength(MAX_LANE_SETS, `Expected at most ${MAX_LANE_SETS} sets`));

/** Sets from a file: invalid ones are dropped. */
export const storedLaneSets = v.pipe(
  v.array(v.unknown()),
  v.transform((sets) => sets.filter((one) => v.is(laneSet, one)).slice(0, MAX_LANE_SETS)),
  v.array(laneSet),
);
