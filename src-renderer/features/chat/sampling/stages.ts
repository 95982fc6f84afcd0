/** The stages of the sampler chain as the panel shows them: what they are called, what can be set, what they do. */
import { SAMPLING_SETTINGS, type SamplingNumber } from '../../../../src-main/engine/settings/sampling.ts';
import type { SamplerName, SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { formatInteger, formatPercent } from '../../../ui/format.ts';

export interface ControlInfo {
  key: SamplingNumber;
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

/**
 * What can be set of a number: its whole range, or where that is useless or means off, the `useful` part of it.
 * @param step of the arrow keys and the slider
 */
function control(key: SamplingNumber, step: number, useful: { min?: number; max?: number } = {}): ControlInfo {
  const { label, unit, min, max } = SAMPLING_SETTINGS[key];
  return {
    key,
    label: unit === undefined ? label : `${label}, ${unit}`,
    min: useful.min ?? min,
    max: useful.max ?? max,
    maxTyped: max,
    step,
  };
}

export const STAGES: Readonly<Record<SamplerName, StageInfo>> = {
  penalties: {
    name: 'penalties',
    label: 'Penalties',
    main: control('repeatPenalty', 0.01, { min: 0.5, max: 2 }),
    more: [control('frequencyPenalty', 0.05), control('presencePenalty', 0.05), control('penaltyLastN', 1)],
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
    main: control('dryMultiplier', 0.05, { max: 2 }),
    more: [control('dryBase', 0.05, { min: 1 }), control('dryAllowedLength', 1), control('dryPenaltyLastN', 1)],
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
    main: control('topNSigma', 0.1, { min: 0, max: 5 }),
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
    main: control('topK', 1, { min: 0, max: 200 }),
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
    main: control('typicalP', 0.01, { min: 0.01 }),
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
    main: control('topP', 0.01, { min: 0.01 }),
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
    main: control('minP', 0.01),
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
    main: control('xtcProbability', 0.01),
    more: [control('xtcThreshold', 0.01)],
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
    main: control('temperature', 0.05, { min: 0, max: 2 }),
    more: [control('dynatempRange', 0.05), control('dynatempExponent', 0.05, { min: 0.1 })],
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
export const MIROSTAT_CONTROLS: readonly ControlInfo[] = [control('mirostatTau', 0.1), control('mirostatEta', 0.01)];

/** Adaptive-p's two settings, and the first when it is turned on. */
export const ADAPTIVE_CONTROLS: readonly ControlInfo[] = [
  control('adaptiveTarget', 0.01, { min: 0 }),
  control('adaptiveDecay', 0.01),
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
