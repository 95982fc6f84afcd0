/** Blind votes, counted per setting over all runs. */
import { defaultSamplingParams, defaultStopParams } from '../../../engine/api/defaults.ts';
import { sha256OfText } from '../../sha256.ts';
import { differences } from '../settings-schemas.ts';
import type { BlindVote, LaneSettings, StoredLane } from './comparison.ts';

/** Characters of a key. Far more than it takes to tell settings apart. */
const KEY_LENGTH = 16;

export interface SettingVotes {
  /** `settingsKey`. */
  key: string;
  /** Of the latest vote. */
  label: string;
  modelName: string;
  /** Votes in which a lane had these settings; a vote with two such lanes counts twice. */
  shown: number;
  won: number;
  /** Votes that named no winner. */
  tied: number;
}

/**
 * Identifies what a vote is about: model and settings, but neither label, seed nor number of samples. Settings at their
 * default do not count, so that a key stays the same when later versions add settings.
 */
export function settingsKey({ sampling, stop, ...settings }: LaneSettings): string {
  const { modelId, systemPrompt, template, enableThinking, executor } = settings;
  const { seed: _, ...changed } = differences(sampling, defaultSamplingParams());
  const parts = [
    sorted(changed),
    sorted(differences(stop, defaultStopParams())),
    { modelId, systemPrompt, template, enableThinking, executor },
  ];
  return sha256OfText(JSON.stringify(parts)).slice(0, KEY_LENGTH);
}

/** @param winner index of the lane that won; null for a tie */
export function blindVote(lanes: readonly StoredLane[], winner: number | null, at: string): BlindVote {
  const shown = lanes.map(({ settings }) => ({
    label: settings.label,
    modelName: settings.modelName,
    key: settingsKey(settings),
  }));
  return { at, winner, lanes: shown };
}

/**
 * A run that was saved as a copy has the votes of the other one too: equal votes count once.
 * @returns most wins first; of equal wins, the setting that was shown less often
 */
export function votesPerSetting(comparisons: Iterable<{ readonly votes: readonly BlindVote[] }>): SettingVotes[] {
  const counts = new Map<string, SettingVotes & { at: string }>();
  const counted = new Set<string>();
  for (const { votes } of comparisons) {
    for (const { at, winner, lanes } of votes) {
      const vote = [at, winner, ...lanes.map(({ key }) => key)].join('\n');
      if (counted.has(vote)) continue;
      counted.add(vote);
      for (const [index, { key, label, modelName }] of lanes.entries()) {
        const count = counts.get(key) ?? { key, label, modelName, shown: 0, won: 0, tied: 0, at };
        counts.set(key, count);
        if (at > count.at) Object.assign(count, { label, modelName, at });
        count.shown++;
        if (winner === index) count.won++;
        if (winner === null) count.tied++;
      }
    }
  }
  return [...counts.values()]
    .sort((a, b) => b.won - a.won || a.shown - b.shown || (a.label < b.label ? -1 : 1))
    .map(({ at: _, ...count }) => count);
}

function sorted(values: object): unknown[] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}
