/** The sampler chain as the panel shows it: one card per setting, in the order that they work. */
import type { SamplerName, SamplingParams } from '../../../src-main/engine/types.ts';
import { formatInteger, formatPercent } from '../../ui/format.ts';

export type StageKey =
  'repeatPenalty' | 'frequencyPenalty' | 'presencePenalty' | 'topK' | 'topP' | 'minP' | 'temperature';

export interface StageCardInfo {
  key: StageKey;
  stage: SamplerName;
  label: string;
  min: number;
  /** Largest value of the slider; the box takes `maxTyped`. */
  max: number;
  maxTyped: number;
  step: number;
  /** What a penalty becomes when it is turned on from its neutral value. */
  suggested: number;
  /** One plain sentence for the value it has. */
  explain: (value: number, sampling: SamplingParams) => string;
}

const lastTokens = (lastN: number) => (lastN < 0 ? 'the whole context' : `the last ${formatInteger(lastN)} tokens`);

export const STAGES: readonly StageCardInfo[] = [
  {
    key: 'repeatPenalty',
    stage: 'penalties',
    label: 'Repetition penalty',
    min: 1,
    max: 2,
    maxTyped: 10,
    step: 0.01,
    suggested: 1.1,
    explain: (value, { penaltyLastN }) =>
      `Makes tokens of ${lastTokens(penaltyLastN)} ${value >= 1.3 ? 'much' : 'a little'} less likely.`,
  },
  {
    key: 'frequencyPenalty',
    stage: 'penalties',
    label: 'Frequency penalty',
    min: 0,
    max: 2,
    maxTyped: 10,
    step: 0.05,
    suggested: 0.2,
    explain: () => 'Each time a token has come up, it gets less likely.',
  },
  {
    key: 'presencePenalty',
    stage: 'penalties',
    label: 'Presence penalty',
    min: 0,
    max: 2,
    maxTyped: 10,
    step: 0.05,
    suggested: 0.2,
    explain: () => 'A token that has come up at all gets less likely, once.',
  },
  {
    key: 'topK',
    stage: 'top_k',
    label: 'Top-k',
    min: 1,
    max: 200,
    maxTyped: 100_000,
    step: 1,
    suggested: 40,
    explain: (value) =>
      value === 1
        ? 'Only the most likely token stays in.'
        : `Only the ${formatInteger(value)} most likely tokens stay in.`,
  },
  {
    key: 'topP',
    stage: 'top_p',
    label: 'Top-p',
    min: 0.01,
    max: 1,
    maxTyped: 1,
    step: 0.01,
    suggested: 0.95,
    explain: (value) =>
      value >= 1
        ? 'Keeps every token: at 100 % it does nothing.'
        : `Keeps the likeliest tokens until they add up to ${wholePercent(value)}.`,
  },
  {
    key: 'minP',
    stage: 'min_p',
    label: 'Min-p',
    min: 0,
    max: 1,
    maxTyped: 1,
    step: 0.01,
    suggested: 0.05,
    explain: (value) =>
      value <= 0
        ? 'Keeps every token: at 0 it does nothing.'
        : `Cuts tokens less than ${wholePercent(value)} as likely as the best one.`,
  },
  {
    key: 'temperature',
    stage: 'temperature',
    label: 'Temperature',
    min: 0,
    max: 2,
    maxTyped: 10,
    step: 0.05,
    suggested: 0.8,
    explain: (value) =>
      value <= 0
        ? 'At 0 the most likely token always wins.'
        : value < 1
          ? 'Below 1 sharpens the odds: likely tokens win more often.'
          : value === 1
            ? 'At 1 the odds stay as the model gave them.'
            : 'Above 1 flattens the odds: unlikely tokens get a chance.',
  },
];

function wholePercent(fraction: number): string {
  return Number.isInteger(Math.round(fraction * 1e6) / 1e4)
    ? `${Math.round(fraction * 100)} %`
    : formatPercent(fraction);
}
