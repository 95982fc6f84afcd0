/** Ready-made sets of lanes. */
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { DEFAULT_SAMPLER_ORDER } from '../../../../src-main/engine/settings/sampling.ts';
import {
  MAX_LANE_SETS,
  type LaneSet,
  type LaneSettings,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { greedy } from '../../chat/sampling/presets.ts';
import { STAGES } from '../../chat/sampling/stages.ts';
import type { SettingsState } from '../../chat/state/settings.svelte.ts';
import { FIRST_SEED, newLaneSettings, PLAIN_SAMPLING, type ModelRef } from './lane-settings.ts';

/** What a set is made for. */
export interface SetContext {
  readonly model: ModelRef;
  /** Another model that can be loaded, or null. */
  readonly other: ModelRef | null;
  /** The model's default sampling. */
  readonly sampling: SamplingParams;
  /** Settings that are the same in all lanes. */
  readonly common: Partial<Pick<LaneSettings, 'stop' | 'systemPrompt' | 'template' | 'enableThinking'>>;
}

export interface ReadyMadeSet {
  readonly value: string;
  readonly label: string;
  /** Null: the set cannot be made here. */
  make(context: SetContext): LaneSettings[] | null;
}

const GREEDY = greedy(PLAIN_SAMPLING);
const LADDER = [0, 0.3, 0.6, 0.9, 1.2, 1.5];
const SEEDS = 4;
/** Each with the value that the panel suggests. A lane for the temperature is in the other sets, and DRY needs a long text. */
const SINGLE_STAGES = DEFAULT_SAMPLER_ORDER.filter((name) => name !== 'temperature' && name !== 'dry');

export const READY_MADE_SETS: readonly ReadyMadeSet[] = [
  {
    value: 'guide',
    label: 'Greedy, top-k and temperature',
    make: lanesOf([GREEDY, { topK: 40 }, { temperature: 0.7 }, { temperature: 1.5 }]),
  },
  {
    value: 'temperatures',
    label: 'Temperature ladder',
    make: lanesOf(LADDER.map((temperature) => (temperature === 0 ? GREEDY : { temperature }))),
  },
  {
    value: 'seeds',
    label: 'Seed ladder',
    make: (context) =>
      lanesOf(Array.from({ length: SEEDS }, (_, at) => ({ ...context.sampling, seed: FIRST_SEED + at })))(context),
  },
  {
    value: 'stages',
    label: 'One sampler at a time',
    make: lanesOf([{}, ...SINGLE_STAGES.map((name) => STAGES[name].suggested)]),
  },
  {
    value: 'models',
    label: 'Two models',
    make({ model, other, sampling, common }) {
      if (other === null) return null;
      // What one model recommends would not be the other one's settings.
      const same = { ...sampling, seed: FIRST_SEED };
      return [model, other].map((one) => ({ ...newLaneSettings(one, same), ...common }));
    },
  },
];

export const FIRST_SET = READY_MADE_SETS[0];

/** Lanes of one model with plain sampling but for some settings. */
function lanesOf(each: readonly Partial<SamplingParams>[]): (context: SetContext) => LaneSettings[] {
  return ({ model, common }) => each.map((sampling) => ({ ...newLaneSettings(model, sampling), ...common }));
}

/**
 * A saved set. Lanes of a model that is gone get the loaded one.
 * @param models those that can be loaded
 */
export function savedLanes({ lanes }: LaneSet, models: readonly ModelRef[], loaded: ModelRef | null): LaneSettings[] {
  return lanes.map((lane) => {
    if (loaded === null || models.some(({ id }) => id === lane.modelId)) return lane;
    return { ...lane, modelId: loaded.id, modelName: loaded.name };
  });
}

/** Deletes a saved set. @returns brings it back in its place, and keeps sets that were saved meanwhile */
export function deleteSet(settings: Pick<SettingsState, 'current' | 'update'>, set: LaneSet): () => void {
  const others = () => settings.current.laneSets.filter(({ id }) => id !== set.id);
  const place = settings.current.laneSets.findIndex(({ id }) => id === set.id);
  settings.update({ laneSets: others() });
  return () => settings.update({ laneSets: others().toSpliced(place, 0, set).slice(0, MAX_LANE_SETS) });
}
