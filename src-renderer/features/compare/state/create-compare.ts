import type { PageServices } from '../../../lib/services.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import { ComparisonsState } from '../history/comparisons.svelte.ts';
import { CompareState } from './compare.svelte.ts';
import { loadFor } from './load-model.ts';

export interface Compare {
  readonly compare: CompareState;
  readonly runs: ComparisonsState;
}

/** What outlives the view: the open run and the stored ones. Created once. */
export function createCompare(parts: { engine: EngineState; library: LibraryState; services: PageServices }): Compare {
  const { engine, library, services } = parts;
  const runs = new ComparisonsState(services);
  void runs.refresh();
  window.addEventListener('pagehide', () => runs.flushLast());
  const compare = new CompareState({
    engine,
    history: runs,
    load: (model, signal) => loadFor(library, engine, model, signal),
  });
  return { compare, runs };
}
