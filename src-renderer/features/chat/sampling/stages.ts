/** The stages of the sampler chain as the panel shows them: what they are called, what can be set, what they do. */
import type { SamplerName, SamplingParams } from '../../../../src-main/engine/types.ts';
import { formatInteger, formatPercent } from '../../../ui/format.ts';

/** Settings that are one number. */
export type NumberKey = {
  [K in keyof SamplingParams]: SamplingParams[K] extends number ? K : never;
}[keyof SamplingParams];

export interface ControlInfo {
  key: NumberKey;
  label: string;
  min: number;
  /** Largest value of a slider; the box takes `maxTyped`. */
  max: number;
  maxTyped: number;
  step: number;
}

export interface StageInfo {
  name: SamplerName;
  label: string;
  /** Beside the name, and as a slider. */
  main: ControlInfo;
  /** Further settings, a row each. */
  more: readonly ControlInfo[];
  /** What they are called together while they are folded away; without it they are always shown. */
  fold?: string;
  /** Values at which the stage does nothing. */
  off: Partial<SamplingParams>;
  /** What it becomes when it is turned on and was never on before. */
  suggested: Partial<SamplingParams>;
  /** Whether it does something. */
  isOn: (sampling: SamplingParams) => boolean;
  /** One plain sentence for the values it has. */
  explain: (sampling: SamplingParams) => string;
}

const control = (key: NumberKey, label: string, min: number, max: number, maxTyped: number, step: number) => {
  return { key, label, min, max, maxTyped, step } satisfies ControlInfo;
};
/** Tokens of history; -1 is all of it. */
const lookBack = (key: NumberKey) => control(key, 'Looks back, tokens', -1, 1000, 1_000_000, 1);

export const STAGES: Readonly<Record<SamplerName, StageInfo>> = {
  penalties: {
    name: 'penalties',
    label: 'Penalties',
    main: control('repeatPenalty', 'Repetition penalty', 0.5, 2, 10, 0.01),
    more: [
      control('frequencyPenalty', 'Frequency penalty', -2, 2, 10, 0.05),
      control('presencePenalty', 'Presence penalty', -2, 2, 10, 0.05),
      lookBack('penaltyLastN'),
    ],
    off: { repeatPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 },
    suggested: { repeatPenalty: 1.1, penaltyLastN: 64 },
    isOn: ({ penaltyLastN, repeatPenalty, frequencyPenalty, presencePenalty }) =>
      penaltyLastN !== 0 && (repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0),
    explain: (sampling) => {
      const { repeatPenalty, frequencyPenalty, presencePenalty, penaltyLastN } = sampling;
      if (!STAGES.penalties.isOn(sampling)) return 'Changes nothing with these values.';
      const lowers = repeatPenalty >= 1 && frequencyPenalty >= 0 && presencePenalty >= 0;
      const much = repeatPenalty >= 1.3 ? 'much' : 'a little';
      return `Makes tokens of ${history(penaltyLastN)} ${lowers ? `${much} less likely` : 'more or less likely'}.`;
    },
  },
  dry: {
    name: 'dry',
    label: 'DRY',
    main: control('dryMultiplier', 'DRY multiplier', 0, 2, 10, 0.05),
    more: [
      control('dryBase', 'Grows by, per token', 1, 4, 10, 0.05),
      control('dryAllowedLength', 'Allowed repeat, tokens', 0, 20, 1000, 1),
      lookBack('dryPenaltyLastN'),
    ],
    off: { dryMultiplier: 0 },
    suggested: { dryMultiplier: 0.8 },
    isOn: ({ dryMultiplier, dryBase, dryPenaltyLastN }) => dryMultiplier !== 0 && dryBase >= 1 && dryPenaltyLastN !== 0,
    explain: (sampling) =>
      STAGES.dry.isOn(sampling)
        ? `Tokens that would repeat a passage of more than ${sampling.dryAllowedLength} tokens lose, the longer the more.`
        : 'Passages may be repeated: with these values it changes nothing.',
  },
  top_n_sigma: {
    name: 'top_n_sigma',
    label: 'Top-n-sigma',
    main: control('topNSigma', 'Top-n-sigma', 0, 5, 100, 0.1),
    more: [],
    off: { topNSigma: -1 },
    suggested: { topNSigma: 1 },
    isOn: ({ topNSigma }) => topNSigma > 0,
    explain: ({ topNSigma }) =>
      topNSigma > 0
        ? `Cuts scores more than ${topNSigma} standard deviations below the best.`
        : 'Keeps every token: at 0 it does nothing.',
  },
  top_k: {
    name: 'top_k',
    label: 'Top-k',
    main: control('topK', 'Top-k', 0, 200, 1_000_000, 1),
    more: [],
    off: { topK: 0 },
    suggested: { topK: 40 },
    isOn: ({ topK }) => topK > 0,
    explain: ({ topK }) => {
      if (topK <= 0) return 'Keeps every token: at 0 it does nothing.';
      return topK === 1
        ? 'Only the most likely token stays in.'
        : `Only the ${formatInteger(topK)} most likely tokens stay in.`;
    },
  },
  typical: {
    name: 'typical',
    label: 'Typical',
    main: control('typicalP', 'Typical', 0.01, 1, 1, 0.01),
    more: [],
    off: { typicalP: 1 },
    suggested: { typicalP: 0.95 },
    isOn: ({ typicalP }) => typicalP < 1,
    explain: ({ typicalP }) =>
      typicalP >= 1
        ? 'Keeps every token: at 100 % it does nothing.'
        : `Keeps the tokens of the most usual surprise until they add up to ${wholePercent(typicalP)}.`,
  },
  top_p: {
    name: 'top_p',
    label: 'Top-p',
    main: control('topP', 'Top-p', 0.01, 1, 1, 0.01),
    more: [],
    off: { topP: 1 },
    suggested: { topP: 0.95 },
    isOn: ({ topP }) => topP < 1,
    explain: ({ topP }) =>
      topP >= 1
        ? 'Keeps every token: at 100 % it does nothing.'
        : `Keeps the likeliest tokens until they add up to ${wholePercent(topP)}.`,
  },
  min_p: {
    name: 'min_p',
    label: 'Min-p',
    main: control('minP', 'Min-p', 0, 1, 1, 0.01),
    more: [],
    off: { minP: 0 },
    suggested: { minP: 0.05 },
    isOn: ({ minP }) => minP > 0,
    explain: ({ minP }) =>
      minP <= 0
        ? 'Keeps every token: at 0 it does nothing.'
        : `Cuts tokens less than ${wholePercent(minP)} as likely as the best one.`,
  },
  xtc: {
    name: 'xtc',
    label: 'XTC',
    main: control('xtcProbability', 'XTC probability', 0, 1, 1, 0.01),
    more: [control('xtcThreshold', 'Threshold', 0, 0.5, 1, 0.01)],
    off: { xtcProbability: 0 },
    suggested: { xtcProbability: 0.5 },
    isOn: ({ xtcProbability, xtcThreshold }) => xtcProbability > 0 && xtcThreshold <= 0.5,
    explain: (sampling) =>
      STAGES.xtc.isOn(sampling)
        ? `At ${wholePercent(sampling.xtcProbability)} of the tokens, drops all top choices above ${wholePercent(sampling.xtcThreshold)} but the last.`
        : 'The top choices stay: with these values it does nothing.',
  },
  temperature: {
    name: 'temperature',
    label: 'Temperature',
    main: control('temperature', 'Temperature', 0, 2, 10, 0.05),
    more: [
      control('dynatempRange', 'Dynamic range', 0, 2, 10, 0.05),
      control('dynatempExponent', 'Dynamic exponent', 0.1, 4, 10, 0.05),
    ],
    fold: 'Dynamic temperature',
    off: { temperature: 1, dynatempRange: 0 },
    suggested: { temperature: 0.8 },
    isOn: ({ temperature, dynatempRange }) => temperature !== 1 || dynatempRange > 0,
    explain: ({ temperature, dynatempRange }) => {
      if (dynatempRange > 0) {
        const low = round(Math.max(0, temperature - dynatempRange));
        return `From ${low} where the model is sure to ${round(temperature + dynatempRange)} where it is not.`;
      }
      if (temperature <= 0) return 'At 0 the most likely token always wins.';
      if (temperature === 1) return 'At 1 the odds stay as the model gave them.';
      return temperature < 1
        ? 'Below 1 sharpens the odds: likely tokens win more often.'
        : 'Above 1 flattens the odds: unlikely tokens get a chance.';
    },
  },
};

/** Mirostat's two settings. */
export const MIROSTAT_CONTROLS: readonly ControlInfo[] = [
  control('mirostatTau', 'Aims at, bits per token', 0, 10, 100, 0.1),
  control('mirostatEta', 'Adapts by', 0, 1, 1, 0.01),
];

/** Adaptive-p's two settings, and the first when it is turned on. */
export const ADAPTIVE_CONTROLS: readonly ControlInfo[] = [
  control('adaptiveTarget', 'Aims at', 0, 1, 1, 0.01),
  control('adaptiveDecay', 'Earlier tokens count', 0, 0.99, 0.99, 0.01),
];
export const ADAPTIVE_SUGGESTED = 0.3;

/** Every setting of a stage. */
export function keysOf({ name, main, more }: StageInfo): (keyof SamplingParams)[] {
  return [main.key, ...more.map(({ key }) => key), ...(name === 'dry' ? (['drySequenceBreakers'] as const) : [])];
}

const history = (lastN: number) => (lastN < 0 ? 'the whole context' : `the last ${formatInteger(lastN)} tokens`);
const round = (value: number) => Math.round(value * 100) / 100;

function wholePercent(fraction: number): string {
  return Number.isInteger(Math.round(fraction * 1e6) / 1e4)
    ? `${Math.round(fraction * 100)} %`
    : formatPercent(fraction);
}
