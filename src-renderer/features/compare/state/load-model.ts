import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { cancelled } from '../../../../src-main/protocol/errors.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import { isLoaded, type LaneModel } from './lane-models.ts';

/**
 * Loads a model of the library for lanes.
 * @param keep keeps the loaded model in memory if both fit
 * @throws EngineError why it is not loaded
 */
export async function loadFor(
  library: Pick<LibraryState, 'load' | 'cancelLoad' | 'pendingId' | 'problem' | 'fit' | 'nameOf'>,
  engine: Pick<EngineState, 'model' | 'status'>,
  model: LaneModel,
  signal: AbortSignal,
  keep = false,
): Promise<void> {
  const { modelId, executor } = model;
  const cancel = () => {
    const { pendingId } = library;
    // Otherwise a person has chosen another one, which then replaces this load.
    if (pendingId === null || pendingId === modelId) library.cancelLoad();
  };
  signal.addEventListener('abort', cancel);
  try {
    // The estimates of memory are for the default executor.
    const keepLoaded = keep && (executor === null || executor === 'wasm');
    await library.load(modelId, {
      ...(executor === null ? {} : { executor }),
      ...(keepLoaded ? { keepLoaded } : {}),
      // `cancel` concerns the latest load only, which may be another one while this one is pending.
      signal,
    });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
  if (signal.aborted) throw cancelled();
  if (engine.status === 'ready' && isLoaded(model, engine.model)) return;
  const name = library.nameOf(modelId);
  if (library.fit(modelId, executor ?? undefined)?.verdict === 'too-large') {
    throw new EngineError('OUT_OF_MEMORY', `${name} does not fit in memory. The Models page has the numbers.`);
  }
  throw (
    library.problem(modelId) ?? new EngineError('NO_MODEL', `${name} could not be loaded. Load it on the Models page.`)
  );
}
