/** Runs as tables. */
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../../src-main/engine/settings/sampling.ts';
import { NO_TOKEN, REPLY_PARTS } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { csv, type CsvValue, type CsvColumn } from '../../../lib/csv.ts';
import { bitsOf } from '../../chat/thread/tint.ts';
import { laneRows, type LaneRow } from './rows.ts';

const LANE_COLUMNS: readonly CsvColumn<LaneRow>[] = [
  ['lane', ({ letter }) => letter],
  ['label', ({ settings }) => settings.label],
  ['sample', ({ sample }) => sample],
  ['branchOf', ({ branch }) => branch?.of ?? null],
  ['branchAt', ({ branch }) => branch?.at ?? null],
  ['seed', ({ reply }) => reply.facts.seed],
  ['modelId', ({ settings }) => settings.modelId],
  ['model', ({ settings }) => settings.modelName],
  ['executor', ({ reply }) => reply.facts.executor],
  ['stopReason', ({ reply }) => reply.facts.stop?.reason ?? null],
  ['tokens', ({ figures }) => figures.tokens],
  ['decodeTokensPerSecond', ({ figures }) => figures.decodeTokensPerSecond],
  ['timeToFirstTokenMs', ({ reply }) => reply.facts.timings?.timeToFirstTokenMs ?? null],
  ['perplexity', ({ figures }) => figures.perplexity],
  ['meanSurprisalBits', ({ figures }) => figures.meanSurprisal],
  ['distinct1', ({ figures }) => figures.distinct1],
  ['distinct2', ({ figures }) => figures.distinct2],
  ['divergesAt', ({ figures }) => figures.divergesAt],
  ['text', ({ reply }) => reply.text],
  ['systemPrompt', ({ settings }) => settings.systemPrompt],
  [
    'template',
    ({ settings }) => (settings.template.kind === 'custom' ? settings.template.source : settings.template.kind),
  ],
  ['enableThinking', ({ settings }) => settings.enableThinking],
  ...keysOf(SAMPLING_SETTINGS)
    // That of the reply is more exact.
    .filter((key) => key !== 'seed')
    .map((key): CsvColumn<LaneRow> => [key, ({ settings }) => cellOf(settings.sampling[key])]),
  ...keysOf(STOP_SETTINGS).map((key): CsvColumn<LaneRow> => [key, ({ settings }) => cellOf(settings.stop[key])]),
];

interface TokenRow {
  lane: LaneRow;
  index: number;
  text: string;
}

const TOKEN_COLUMNS: readonly CsvColumn<TokenRow>[] = [
  ['lane', ({ lane }) => lane.letter],
  ['label', ({ lane }) => lane.settings.label],
  ['sample', ({ lane }) => lane.sample],
  ['index', ({ index }) => index],
  ['id', ({ lane, index }) => known(lane, index, lane.reply.tokens.ids[index])],
  ['text', ({ text }) => text],
  ['part', ({ lane, index }) => REPLY_PARTS[lane.reply.tokens.parts[index] ?? 0] ?? null],
  ['logprob', ({ lane, index }) => known(lane, index, lane.reply.tokens.logprobs[index])],
  ['surprisalBits', ({ lane, index }) => known(lane, index, bitsOf(lane.reply.tokens.logprobs[index] ?? 0))],
  ['latencyMs', ({ lane, index }) => known(lane, index, lane.reply.tokens.latencies[index])],
];

/** One row per lane and sample: settings and metrics. */
export function lanesCsv(comparison: StoredComparison): string {
  return csv(LANE_COLUMNS, laneRows(comparison));
}

/** One row per token of all lanes and samples. */
export function tokensCsv(comparison: StoredComparison): string {
  return csv(TOKEN_COLUMNS, laneRows(comparison).flatMap(tokenRows));
}

function tokenRows(lane: LaneRow): TokenRow[] {
  const { text, tokens } = lane.reply;
  let at = 0;
  return tokens.lengths.map((length, index) => ({ lane, index, text: text.slice(at, (at += length)) }));
}

/** A piece of text without a token has no values. */
function known({ reply }: LaneRow, index: number, value: number | undefined): number | null {
  return reply.tokens.ids[index] === NO_TOKEN ? null : (value ?? null);
}

function cellOf(value: unknown): CsvValue {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}

function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[];
}
