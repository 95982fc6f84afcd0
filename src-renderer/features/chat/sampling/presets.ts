import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';

export interface Preset {
  value: string;
  label: string;
  sampling: Partial<SamplingParams>;
}

/** Everything that a preset does not name is as the model has it by itself. */
export const PRESETS: readonly Preset[] = [
  { value: 'balanced', label: 'Balanced', sampling: {} },
  { value: 'greedy', label: 'Greedy', sampling: { temperature: 0, dynatempRange: 0, mirostat: 0 } },
  { value: 'creative', label: 'Creative', sampling: { temperature: 1.1, topK: 100, topP: 0.98, minP: 0.02 } },
];

/** What says something about the reply rather than about chance stays whatever preset is chosen. */
const KEPT = ['seed', 'logitBias', 'textBias', 'bannedTexts', 'grammar'] as const satisfies (keyof SamplingParams)[];

/** @param base what the model has by itself */
export function presetSampling(preset: Preset, current: SamplingParams, base: SamplingParams): SamplingParams {
  const kept = Object.fromEntries(KEPT.map((key) => [key, current[key]]));
  return { ...base, ...preset.sampling, ...kept };
}

/** The preset that the settings are, or null for one's own. */
export function presetOf(sampling: SamplingParams, base: SamplingParams): Preset | null {
  const same = (preset: Preset) =>
    JSON.stringify(ordered(presetSampling(preset, sampling, base))) === JSON.stringify(ordered(sampling));
  return PRESETS.find(same) ?? null;
}

function ordered(sampling: SamplingParams): unknown[] {
  return Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether the most likely token always wins: a temperature that moves with the model's uncertainty leaves chance. */
export function isGreedy({ temperature, mirostat, samplers, dynatempRange }: SamplingParams): boolean {
  if (temperature > 0) return false;
  // Mirostat takes the temperature along, listed or not, and by itself.
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
