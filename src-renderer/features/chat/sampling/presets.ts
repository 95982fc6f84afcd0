import type { SamplerName, SamplingParams, StopParams } from '../../../../src-main/engine/api/types.ts';
import type { SavedPreset } from '../../../../src-main/protocol/app/presets/saved-items.ts';
import { picksBest, STAGES } from './stages.ts';

export interface Preset {
  value: string;
  label: string;
  sampling: Partial<SamplingParams>;
  /** Stop settings that it sets; the others stay. */
  stop: Partial<StopParams>;
}

/** What a preset is applied to. */
export interface PresetTarget {
  readonly sampling: SamplingParams;
  readonly stop: StopParams;
  /** The model's defaults. */
  readonly base: SamplingParams;
}

/** Settings that a preset does not name have the model's default. */
export const PRESETS: readonly Preset[] = [
  { value: 'balanced', label: 'Balanced', sampling: {}, stop: {} },
  {
    value: 'precise',
    label: 'Precise',
    sampling: { temperature: 0.3, topK: 40, topP: 0.9, minP: 0.1, dynatempRange: 0, mirostat: 0 },
    stop: {},
  },
  {
    value: 'creative',
    label: 'Creative',
    sampling: { temperature: 1.1, topK: 100, topP: 0.98, minP: 0.02, dynatempRange: 0, mirostat: 0 },
    stop: {},
  },
  {
    value: 'deterministic',
    label: 'Deterministic',
    sampling: { temperature: 0, dynatempRange: 0, mirostat: 0, typicalP: 1, xtcProbability: 0 },
    stop: {},
  },
];

/** Settings that presets usually do not change: they concern the content of the reply. */
const KEPT = ['seed', 'logitBias', 'textBias', 'bannedTexts', 'grammar'] as const satisfies (keyof SamplingParams)[];

/** The built-in presets, then a person's. */
export function allPresets(saved: readonly SavedPreset[]): Preset[] {
  return [...PRESETS, ...saved.map(presetFrom)];
}

function presetFrom({ id, name, sampling, stop }: SavedPreset): Preset {
  return { value: id, label: name, sampling, stop };
}

/**
 * Settings as a preset: all that decide how tokens are drawn, so that it gives the same on a model with other defaults,
 * and the stop settings that were changed.
 * @param named settings of the preset that this is a new version of: it names what that did, for example a grammar
 */
export function presetOfSettings(
  { sampling }: Pick<PresetTarget, 'sampling'>,
  ownStop: Partial<StopParams>,
  named: Partial<SamplingParams> = {},
): Pick<SavedPreset, 'sampling' | 'stop'> {
  const kept: readonly string[] = KEPT;
  const drawn = Object.entries(sampling).filter(([key]) => !kept.includes(key) || Object.hasOwn(named, key));
  return { sampling: Object.fromEntries(drawn) as Partial<SamplingParams>, stop: ownStop };
}

/** @param base the model's defaults */
export function presetSampling(
  preset: Pick<Preset, 'sampling'>,
  current: SamplingParams,
  base: SamplingParams,
): SamplingParams {
  const kept = Object.fromEntries(KEPT.map((key) => [key, current[key]]));
  return { ...base, ...kept, ...preset.sampling };
}

/** The preset that equals the settings; null for custom settings. A person's own presets come first. */
export function presetOf({ sampling, stop, base }: PresetTarget, presets: readonly Preset[] = PRESETS): Preset | null {
  const same = (preset: Preset) =>
    isSame(presetSampling(preset, sampling, base), sampling) && isSame({ ...stop, ...preset.stop }, stop);
  return presets.find((preset) => !PRESETS.includes(preset) && same(preset)) ?? presets.find(same) ?? null;
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

function ordered(values: object): unknown[] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Stages that can remove the most likely token. */
const DROP_BEST: readonly SamplerName[] = ['typical', 'xtc'];

/** Whether the most likely token always wins. */
export function isGreedy(sampling: SamplingParams): boolean {
  if (!picksBest(sampling)) return false;
  // It replaces the other stages.
  if (sampling.mirostat !== 0) return true;
  const before = sampling.samplers.slice(0, sampling.samplers.indexOf('temperature'));
  return !before.some((name) => DROP_BEST.includes(name) && STAGES[name].isOn(sampling));
}

/** Settings with which the most likely token always wins. */
export function greedy({ samplers }: SamplingParams): Partial<SamplingParams> {
  const listed = samplers.includes('temperature');
  return {
    temperature: 0,
    dynatempRange: 0,
    mirostat: 0,
    ...STAGES.typical.off,
    ...STAGES.xtc.off,
    samplers: listed ? samplers : [...samplers, 'temperature'],
  };
}
