import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import {
  matchingModel,
  TOKENSCOPE_EXTENSION,
  withModels,
  type OpenedFile,
} from '../../../../src-main/protocol/app/comparisons/tokenscope-file.ts';
import { laneLabels } from './lane-labels.ts';

/** The first `.tokenscope` file among dropped files, or null. */
export function tokenscopeIn(files: Iterable<File>): File | null {
  return [...files].find(({ name }) => name.toLowerCase().endsWith(TOKENSCOPE_EXTENSION)) ?? null;
}

export interface OpenedRun {
  readonly run: StoredComparison;
  /** Which of its models this computer does not have, or has in another version; null if it has all of them. */
  readonly notice: string | null;
}

/** A run from a file, with the models of this computer that are most like its own. */
export function withOwnModels({ comparison, models }: OpenedFile, library: readonly ModelListing[]): OpenedRun {
  const matches = models.map((model) => ({ model, match: matchingModel(model, library) }));
  const own = new Map(
    matches.flatMap(({ model, match }) => {
      if (match === null) return [];
      const { id, name } = match.listing;
      return [[model.id, { id, name, isSame: match.by !== 'name' }] as const];
    }),
  );
  const missing = matches.flatMap(({ model, match }) => (match === null ? [model.name] : []));
  const similar = matches.flatMap(({ model, match }) => (match?.by === 'name' ? [model.name] : []));
  const notices = [
    ...(missing.length === 0
      ? []
      : [
          `This computer does not have ${missing.join(' and ')}. ${missing.length === 1 ? 'Its' : 'Their'} lanes cannot be run.`,
        ]),
    ...(similar.length === 0
      ? []
      : [`This computer has ${similar.join(' and ')} with a different file, so new replies may differ.`]),
  ];
  const run = withModels(withoutMadeLabels(comparison), own);
  return { run, notice: notices.length === 0 ? null : notices.join(' ') };
}

/** Names that are made from the settings follow those of this computer, for example the names of its models. */
function withoutMadeLabels(run: StoredComparison): StoredComparison {
  const labels = laneLabels(run.lanes.map(({ settings }) => ({ ...settings, label: '' })));
  const lanes = run.lanes.map(({ settings, replies }, at) => ({
    settings: settings.label === labels[at] ? { ...settings, label: '' } : settings,
    replies,
  }));
  return { ...run, lanes };
}
