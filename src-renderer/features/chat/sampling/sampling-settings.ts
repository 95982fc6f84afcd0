import type { ModelSettingsState } from '../state/model-settings.svelte.ts';

/** The settings that the controls show and change: those of the current model, or a draft. */
export type SamplingSettings = Pick<
  ModelSettingsState,
  'owner' | 'sampling' | 'base' | 'setSampling' | 'isRecommended' | 'reset'
>;
