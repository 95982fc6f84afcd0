import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';

export interface Preset {
  value: string;
  label: string;
  sampling: Partial<SamplingParams>;
}

/** Settings that a preset does not name have the model's default. */
export const PRESETS: readonly Preset[] = [
  { value: 'balanced', label: 'Balanced', sampling: {} },
  { value: 'greedy', label: 'Greedy', sampling: { temperature: 0, dynatempRange: 0, mirostat: 0 } },
  { value: 'creative', label: 'Creative', sampling: { temperature: 1.1, topK: 100, topP: 0.98, minP: 0.02 } },
];

/** Settings that presets do not change: they concern the content of the reply. */
const KEPT = ['seed', 'logitBias', 'textBias', 'bannedTexts', 'grammar'] as const satisfies (keyof SamplingParams)[];

/** @param base the model's defaults */
export function presetSampling(preset: Preset, current: SamplingParams, base: SamplingParams): SamplingParams {
  const kept = Object.fromEntries(KEPT.map((key) => [key, current[key]]));
  return { ...base, ...preset.sampling, ...kept };
}

/** The preset that equals the settings; null for custom settings. */
export function presetOf(sampling: SamplingParams, base: SamplingParams): Preset | null {
  const same = (preset: Preset) =>
    JSON.stringify(ordered(presetSampling(preset, sampling, base))) === JSON.stringify(ordered(sampling));
  return PRESETS.find(same) ?? null;
}

function ordered(sampling: SamplingParams): unknown[] {
  return Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether the most likely token always wins. Dynamic temperature is still random. */
export function isGreedy({ temperature, mirostat, samplers, dynatempRange }: SamplingParams): boolean {
  if (temperature > 0) return false;
  // Mirostat applies the temperature whether it is listed or not.
  return mirostat !== 0 || (samplers.includes('temperature') && dynatempRange <= 0);
}

/** Settings with which the most likely token always wins. */
export function greedy({ samplers }: SamplingParams): Partial<SamplingParams> {
  const listed = samplers.includes('temperature');
  return {
    temperature: 0,
    dynatempRange: 0,
    mirostat: 0,
    samplers: listed ? samplers : [...samplers, 'temperature'],
  };
}
