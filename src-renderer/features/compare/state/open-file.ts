import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import {
  matchingModel,
  TOKENSCOPE_EXTENSION,
  withModels,
  type OpenedFile,
} from '../../../../src-main/protocol/app/comparisons/tokenscope-file.ts';

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
    matches.flatMap(({ model, match }) => (match === null ? [] : [[model.id, match.listing] as const])),
  );
  const missing = matches.flatMap(({ model, match }) => (match === null ? [model.name] : []));
  const similar = matches.flatMap(({ model, match }) => (match?.by === 'name' ? [model.name] : []));
  const notices = [
    ...(missing.length === 0 ? [] : [`This computer does not have ${missing.join(' and ')}. Its lanes cannot be run.`]),
    ...(similar.length === 0
      ? []
      : [`The file of ${similar.join(' and ')} on this computer is a different one, so new replies may differ.`]),
  ];
  return { run: withModels(comparison, own), notice: notices.length === 0 ? null : notices.join(' ') };
}
