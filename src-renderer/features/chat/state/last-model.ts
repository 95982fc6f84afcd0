/** Which model is loaded at the start. */
import type { ModelListing, Settings } from '../../../../src-main/protocol/app/app-services.ts';
import type { ModelChoice } from './engine.svelte.ts';

/** The last model with its context size; null if there is none or it is the built-in one. */
export function lastModel(
  { lastModelId, perModel }: Pick<Settings, 'lastModelId' | 'perModel'>,
  builtInId: string,
): ModelChoice | null {
  if (lastModelId === null || lastModelId === builtInId) return null;
  const contextSize = perModel[lastModelId]?.contextSize ?? null;
  return { modelId: lastModelId, ...(contextSize === null ? {} : { contextSize }) };
}

/** Whether a model is available at the next start. Files lent by a browser are not. */
export function survivesRestart(id: string, listings: readonly ModelListing[]): boolean {
  return listings.some((model) => model.id === id && model.source !== 'lent');
}
