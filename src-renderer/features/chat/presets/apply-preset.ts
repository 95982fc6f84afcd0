import type { SamplingParams, StopParams } from '../../../../src-main/engine/api/types.ts';
import { toasts } from '../../../ui/toasts.svelte.ts';
import { presetSampling, type Preset, type PresetTarget } from '../sampling/presets.ts';

interface ChangeableSettings extends PresetTarget {
  remember(): () => void;
  setSampling(sampling: Partial<SamplingParams>): void;
  setStop(stop: Partial<StopParams>): void;
}

/** Applies a preset, which can be undone. */
export function applyPreset(settings: ChangeableSettings, preset: Preset): void {
  const sampling = presetSampling(preset, settings.sampling, settings.base);
  changeSettings(settings, sampling, preset.stop, `${preset.label} settings applied`);
}

/** Replaces all sampling settings, and some stop settings, which can be undone. */
export function changeSettings(
  settings: ChangeableSettings,
  nextSampling: SamplingParams,
  nextStop: Partial<StopParams>,
  text: string,
): void {
  const undo = settings.remember();
  settings.setSampling(nextSampling);
  if (Object.keys(nextStop).length > 0) settings.setStop({ ...settings.stop, ...nextStop });
  toasts.show({ text, undo });
}
