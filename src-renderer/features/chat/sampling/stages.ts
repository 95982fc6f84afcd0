/** The stages of the sampler chain in the panel: labels, settings, explanations. */
import { SAMPLING_SETTINGS, type SamplingNumber } from '../../../../src-main/engine/settings/sampling.ts';
import type { SamplerName, SamplerStageReport, SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { formatCount, formatInteger, formatPercent, withUnit } from '../../../ui/format.ts';

export interface ControlInfo {
  key: SamplingNumber;
  label: string;
  min: number;
  /** Maximum of the slider. The text box accepts up to `maxTyped`. */
  max: number;
  maxTyped: number;
  step: number;
}

export interface StageInfo {
  name: SamplerName;
  label: string;
  /** Shown beside the label and as a slider. */
  main: ControlInfo;
  /** More settings, one per row. */
  more: readonly ControlInfo[];
  /** Label of `more` while folded. Without it they are always shown. */
  fold?: string;
  /** Values at which the stage does nothing. */
  off: Partial<SamplingParams>;
  /** Values when it is turned on for the first time. */
  suggested: Partial<SamplingParams>;
  /** Whether it has an effect. */
  isOn: (sampling: SamplingParams) => boolean;
  /** One sentence that explains the current values. */
  explain: (sampling: SamplingParams) => string;
  /** What it does in one draw, in the head of the waterfall's table. */
  note: (sampling: SamplingParams, report: SamplerStageReport) => string;
  /** Why it removed a candidate, in the candidate's cell. */
  reason: (sampling: SamplingParams, report: SamplerStageReport) => string;
  /** It changes or rules out single logits, rather than working with probabilities. */
  onLogits?: boolean;
}

/**
 * The control for a number. Its range is that of the setting, or the `useful` part of it: the rest has no effect, or
 * means off.
 *
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
      if (!STAGES.penalties.isOn(sampling)) return 'No effect with these values.';
      const lowers = repeatPenalty >= 1 && frequencyPenalty >= 0 && presencePenalty >= 0;
      const much = repeatPenalty >= 1.3 ? 'much' : 'slightly';
      return `Makes tokens from ${history(penaltyLastN)} ${lowers ? `${much} less likely` : 'more or less likely'}.`;
    },
    note: () => 'lowers repeated tokens',
    reason: () => '',
    onLogits: true,
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
        ? `Penalises tokens that would repeat more than ${formatCount(sampling.dryAllowedLength, 'token')}. Longer repeats cost more.`
        : 'No effect with these values.',
    note: () => 'lowers long repeats more',
    reason: () => '',
    onLogits: true,
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
        ? `Cuts logits more than ${topNSigma} standard ${topNSigma === 1 ? 'deviation' : 'deviations'} below the best.`
        : 'At 0, keeps every token.',
    note: ({ topNSigma }) => `within ${round(topNSigma)} σ of the best`,
    reason: ({ topNSigma }) => `beyond ${round(topNSigma)} σ`,
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
      if (topK <= 0) return 'At 0, keeps every token.';
      return topK === 1 ? 'Keeps only the most likely token.' : `Keeps the ${formatInteger(topK)} most likely tokens.`;
    },
    note: ({ topK }) => (topK === 1 ? 'keeps the best' : `keeps the ${formatInteger(topK)} best`),
    reason: ({ topK }) => (topK === 1 ? 'not the best' : `not in top ${formatInteger(topK)}`),
  },
  typical: {
    name: 'typical',
    label: 'Typical-p',
    main: control('typicalP', 0.01, { min: 0.01 }),
    more: [],
    off: { typicalP: 1 },
    suggested: { typicalP: 0.95 },
    isOn: ({ typicalP }) => typicalP < 1,
    explain: ({ typicalP }) =>
      typicalP >= 1
        ? 'At 1, keeps every token.'
        : `Keeps tokens whose surprisal is nearest the average, up to a total of ${wholePercent(typicalP)}.`,
    note: ({ typicalP }) => `most typical ${wholePercent(typicalP)}`,
    reason: () => 'not typical',
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
      topP >= 1 ? 'At 1, keeps every token.' : `Keeps the most likely tokens, up to a total of ${wholePercent(topP)}.`,
    note: ({ topP }) => `up to ${wholePercent(topP)} in total`,
    reason: ({ topP }) => `beyond ${wholePercent(topP)}`,
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
      minP <= 0 ? 'At 0, keeps every token.' : `Cuts tokens less than ${wholePercent(minP)} as likely as the best one.`,
    note: ({ minP }) => `at least ${wholePercent(minP)} of the best`,
    reason: ({ minP }) => `below ${wholePercent(minP)} of the best`,
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
        ? `For ${wholePercent(sampling.xtcProbability)} of tokens, drops every choice above ${wholePercent(sampling.xtcThreshold)} except the least likely.`
        : 'No effect with these values.',
    note({ xtcProbability }, { findings }) {
      const random = findings?.random;
      if (random === undefined) return 'needs two candidates';
      const acts = random <= xtcProbability;
      return `${acts ? 'applied' : 'not applied'}: ${random.toFixed(2)} ${acts ? '≤' : '>'} ${xtcProbability.toFixed(2)}`;
    },
    reason: ({ xtcThreshold }) => `above ${wholePercent(xtcThreshold)}`,
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
        return `From ${low} when the model is sure to ${round(temperature + dynatempRange)} when it is not.`;
      }
      if (temperature <= 0) return 'At 0, the most likely token always wins.';
      if (temperature === 1) return 'At 1, the model’s probabilities are unchanged.';
      return temperature < 1 ? 'Below 1, likely tokens win more often.' : 'Above 1, unlikely tokens win more often.';
    },
    note({ temperature, dynatempRange }, { findings }) {
      const applied = findings?.temperature ?? temperature;
      if (applied <= 0) return 'at 0, the best wins';
      const effect = applied === 1 ? 'changes nothing' : applied < 1 ? 'sharpens' : 'flattens';
      return dynatempRange > 0 ? `${round(applied)} here, ${effect}` : `${round(applied)} ${effect}`;
    },
    reason: () => 'not the best',
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

const history = (lastN: number) =>
  lastN < 0 ? 'the whole context' : lastN === 1 ? 'the last token' : `the last ${formatInteger(lastN)} tokens`;
const round = (value: number) => Math.round(value * 100) / 100;

/** `5 %`, `2.5 %`, `99.9 %`. */
export function wholePercent(fraction: number): string {
  const percent = Math.round(fraction * 1e6) / 1e4;
  // Only 1 is all.
  const isExact = Number.isInteger(percent) || (percent >= 99.5 && percent < 100);
  return isExact ? withUnit(String(percent), '%') : formatPercent(fraction);
}

/** Stages that never change which token is the most likely one. */
const KEEP_BEST: readonly SamplerName[] = ['top_n_sigma', 'top_k', 'top_p', 'min_p', 'temperature'];

/**
 * Whether temperature leaves only the most likely of the tokens that earlier stages leave. Dynamic temperature is still
 * random.
 */
export function picksBest({ temperature, mirostat, samplers, dynatempRange }: SamplingParams): boolean {
  if (temperature > 0) return false;
  // Mirostat applies the temperature whether it is listed or not.
  return mirostat !== 0 || (samplers.includes('temperature') && dynatempRange <= 0);
}

/** Whether a stage changes nothing because the most likely token wins anyway. `index`: its position in the chain, from 0. */
export function isIdle(sampling: SamplingParams, index: number): boolean {
  const { samplers } = sampling;
  if (samplers[index] === 'temperature' || !picksBest(sampling)) return false;
  // A later penalty could make another one of the tokens that are left the best.
  return samplers.slice(index).every((name) => KEEP_BEST.includes(name) || !STAGES[name].isOn(sampling));
}
