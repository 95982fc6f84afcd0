import { defaultSamplingParams } from '../../../src-main/engine/defaults.ts';
import type { SamplerName, SamplingParams } from '../../../src-main/engine/types.ts';
import type { StageKey } from './stages.ts';

export interface Preset {
  value: string;
  label: string;
  sampling: Partial<SamplingParams>;
}

/** Everything that a preset does not name has its default. */
export const PRESETS: readonly Preset[] = [
  { value: 'balanced', label: 'Balanced', sampling: {} },
  { value: 'greedy', label: 'Greedy', sampling: { temperature: 0 } },
  { value: 'creative', label: 'Creative', sampling: { temperature: 1.1, topK: 100, topP: 0.98, minP: 0.02 } },
];

/** The settings of a preset. Seed and biases are no part of it: they stay. */
export function presetSampling(preset: Preset, current: SamplingParams): SamplingParams {
  const { seed, logitBias } = current;
  return { ...defaultSamplingParams(), ...preset.sampling, seed, logitBias };
}

/** The preset that the settings are, or null for one's own. */
export function presetOf(sampling: SamplingParams): Preset | null {
  const same = (preset: Preset) =>
    JSON.stringify(ordered(presetSampling(preset, sampling))) === JSON.stringify(ordered(sampling));
  return PRESETS.find(same) ?? null;
}

function ordered(sampling: SamplingParams): unknown[] {
  return Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function isGreedy(sampling: SamplingParams): boolean {
  return sampling.samplers.includes('temperature') && sampling.temperature <= 0;
}

/** Turns a stage on or off and leaves the others as they are; a stage that comes on takes its usual place. */
export function withStage(samplers: readonly SamplerName[], stage: SamplerName, on: boolean): SamplerName[] {
  const others = samplers.filter((name) => name !== stage);
  if (!on) return others;
  if (others.length < samplers.length) return [...samplers];
  const order = defaultSamplingParams().samplers;
  const after = others.findIndex((name) => order.indexOf(name) > order.indexOf(stage));
  return after < 0 ? [...others, stage] : [...others.slice(0, after), stage, ...others.slice(after)];
}

/** Values at which a setting does nothing: a penalty is off there, though its stage may be on for the others. */
export const NEUTRAL: Partial<Record<StageKey, number>> = { repeatPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 };

/** Whether a setting does something. */
export function isStageOn(sampling: SamplingParams, key: StageKey, stage: SamplerName): boolean {
  return sampling.samplers.includes(stage) && sampling[key] !== NEUTRAL[key];
}
