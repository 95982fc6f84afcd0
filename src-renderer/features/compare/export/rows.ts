/** The facts of a run that every export has, one row per lane and sample. */
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../../src-main/engine/settings/sampling.ts';
import { NO_TOKEN, type StoredStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import type {
  LaneReply,
  LaneSettings,
  StoredComparison,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { summaryOf } from '../../../../src-main/protocol/app/comparisons/summary.ts';
import { differences } from '../../../../src-main/protocol/app/settings-schemas.ts';
import {
  distinctN,
  divergesAt,
  meanSurprisal,
  perplexity,
} from '../../../../src-main/protocol/engine/reply-metrics.ts';
import { formatCount } from '../../../ui/format.ts';
import { STAGES } from '../../chat/sampling/stages.ts';
import { stopText } from '../../chat/thread/stop-text.ts';
import { runName } from '../history/run-texts.ts';
import { letterOf } from '../state/lane-labels.ts';

/** Null where a value is not defined, for example for a reply without tokens. */
export interface ReplyFigures {
  tokens: number;
  /** Perplexity of the reply under the unmodified model. */
  perplexity: number | null;
  /** In bits per token. */
  meanSurprisal: number | null;
  distinct1: number | null;
  distinct2: number | null;
  /**
   * Index of the first token that differs from the first sample of the reference lane; null if none does, and for another
   * model, whose token ids mean something else.
   */
  divergesAt: number | null;
  decodeTokensPerSecond: number | null;
}

export interface LaneRow {
  /** `A` to `H`. */
  letter: string;
  settings: LaneSettings;
  /** See `changedSettings`. */
  changes: readonly string[];
  /** Number of the reply among those of the lane, from 1. */
  sample: number;
  /** Of a branch: the number of the reply that it was branched from, and the index of the chosen token. */
  branch: { of: number; at: number } | null;
  reply: LaneReply;
  figures: ReplyFigures;
}

/** `A: Greedy`, or the letter alone for a lane without a label. */
export function laneName(letter: string, { label }: LaneSettings): string {
  return label === '' ? letter : `${letter}: ${label}`;
}

/** Index of the lane that the others are compared with. */
export function referenceLane({ pinned }: Pick<StoredComparison, 'pinned'>): number {
  return pinned ?? 0;
}

export function laneRows(comparison: StoredComparison): LaneRow[] {
  const reference = comparison.lanes[referenceLane(comparison)]?.replies[0] ?? null;
  const all = comparison.lanes.map(({ settings }) => settings);
  return comparison.lanes.flatMap(({ settings, replies }, lane) => {
    const changes = changedSettings(settings, all);
    return replies.map((reply, index) => ({
      letter: letterOf(lane),
      settings,
      changes,
      sample: index + 1,
      branch: branchOf(reply),
      reply,
      figures: replyFigures(reply, reference),
    }));
  });
}

function branchOf({ facts: { branch } }: LaneReply): LaneRow['branch'] {
  return branch === undefined ? null : { of: Number(branch.turn) + 1, at: branch.index };
}

/** `2`, or `3, a branch of 1 at token 21`. */
export function sampleText({ sample, branch }: Pick<LaneRow, 'sample' | 'branch'>): string {
  return branch === null ? String(sample) : `${sample}, a branch of ${branch.of} at token ${branch.at + 1}`;
}

/** @param reference the reply that it is compared with; null if there is none */
export function replyFigures({ tokens, facts }: LaneReply, reference: LaneReply | null): ReplyFigures {
  const ids = tokens.ids.filter((id) => id !== NO_TOKEN);
  const logprobs = tokens.logprobs.filter((_, index) => tokens.ids[index] !== NO_TOKEN);
  return {
    tokens: ids.length,
    perplexity: perplexity(logprobs),
    meanSurprisal: meanSurprisal(logprobs),
    distinct1: distinctN(ids, 1),
    distinct2: distinctN(ids, 2),
    divergesAt: reference?.facts.modelId === facts.modelId ? divergesAt(reference.tokens.ids, tokens.ids) : null,
    decodeTokensPerSecond: facts.timings?.decodeTokensPerSecond ?? null,
  };
}

export function stopLabel(stop: StoredStop | null): string {
  return stop === null ? 'Interrupted' : stopText(stop);
}

/**
 * The seed, and the settings in which any of a run's lanes differs from the app's defaults, in each lane: what one lane is
 * about may equal the defaults. `Temperature 1.5`, `Top-k off`, `Seed 7`.
 */
export function changedSettings(lane: LaneSettings, lanes: readonly LaneSettings[] = [lane]): string[] {
  const { sampling, stop, template, enableThinking, executor, samples } = lane;
  const isAny = (differs: (one: LaneSettings) => boolean) => lanes.some(differs);
  const inSampling = changedKeys(
    lanes.map((one) => one.sampling),
    defaultSamplingParams(),
  );
  const inStop = changedKeys(
    lanes.map((one) => one.stop),
    defaultStopParams(),
  );
  const texts = [
    ...inSampling.filter((key) => key !== 'grammar' && key !== 'seed').map((key) => samplingText(key, sampling[key])),
    ...inStop.map((key) => `${STOP_SETTINGS[key].label} ${valueText(stop[key])}`),
    sampling.seed === null ? 'Random seed' : `Seed ${sampling.seed}`,
  ];
  if (inSampling.includes('grammar')) texts.push(grammarText(sampling.grammar));
  if (isAny((one) => one.template.kind !== 'model')) texts.push(`Template ${template.kind}`);
  if (isAny((one) => one.enableThinking !== null)) texts.push(reasoningText(enableThinking));
  if (isAny((one) => one.executor !== null))
    texts.push(executor === null ? 'Default executor' : `Executor ${executor}`);
  if (isAny((one) => one.samples > 1)) texts.push(formatCount(samples, 'sample'));
  return texts;
}

/** Those in which any of them differs, in the order of `defaults`. */
function changedKeys<T extends object>(all: readonly T[], defaults: T): (keyof T)[] {
  const changed = new Set(all.flatMap((one) => Object.keys(differences(one, defaults))));
  return (Object.keys(defaults) as (keyof T & string)[]).filter((key) => changed.has(key));
}

/** Values with which a stage does nothing; a temperature of 1 is a temperature. */
const { temperature: _, ...OFF }: Partial<SamplingParams> = Object.assign(
  {},
  ...Object.values(STAGES).map(({ off }) => off),
);

function samplingText(key: keyof SamplingParams, value: unknown): string {
  const { label } = SAMPLING_SETTINGS[key];
  return `${label} ${Reflect.get(OFF, key) === value ? 'off' : valueText(value)}`;
}

function grammarText(grammar: SamplingParams['grammar']): string {
  if (grammar === null) return 'Free text';
  return grammar.kind === 'gbnf' ? 'GBNF grammar' : 'JSON schema';
}

function reasoningText(enabled: boolean | null): string {
  if (enabled === null) return 'Default thinking';
  return enabled ? 'Thinking on' : 'Thinking off';
}

function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  // Sums of steps have errors in their last digits.
  return typeof value === 'number' ? String(Number(value.toPrecision(12))) : JSON.stringify(value);
}

/** A name for a file: letters and digits of the run's name, without path separators. @param ending `.md` */
export function fileName(comparison: StoredComparison, ending: string): string {
  const words =
    runName(summaryOf(comparison))
      .normalize('NFC')
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  const name = [...words.join('-').toLowerCase()].slice(0, 60).join('');
  return `compare-${name === '' ? comparison.createdAt.slice(0, 10) : name}${ending}`;
}
