import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { pacedFrame } from '../../../lib/paced-frames.ts';
import type { PageServices } from '../../../lib/services.ts';
import type { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import type { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import { openTokenscopeFile } from '../export/exports.ts';
import { ComparisonsState } from '../history/comparisons.svelte.ts';
import { CompareState } from './compare.svelte.ts';
import { loadFor } from './load-model.ts';
import { withOwnModels } from './open-file.ts';

/** Whether a model fits in memory beside the loaded one; null while its header has not been read. */
function fitsBeside(library: LibraryState, modelId: string): boolean | null {
  const fit = library.fit(modelId);
  return fit === null ? null : fit.verdict === 'fits';
}

export interface Compare {
  readonly compare: CompareState;
  readonly runs: ComparisonsState;
  /** Shows a run from a `.tokenscope` file. Never rejects: see `compare.fileProblem`. */
  openFile(file: File): Promise<void>;
}

/** What outlives the view: the open run and the stored ones. Created once. */
export function createCompare(parts: {
  engine: EngineState;
  recorder: RunRecorder;
  totals: SessionTotals;
  library: LibraryState;
  services: PageServices;
}): Compare {
  const { engine, recorder, totals, library, services } = parts;
  const runs = new ComparisonsState(services);
  void runs.refresh();
  const compare = new CompareState({
    engine,
    recorder,
    totals,
    history: runs,
    load: (model, signal, keep) => loadFor(library, engine, model, signal, keep),
    fits: (modelId) => fitsBeside(library, modelId),
    frame: pacedFrame,
    isHidden: () => document.hidden,
  });
  window.addEventListener('pagehide', () => {
    if (compare.runner.running) void compare.keep();
    runs.flushLast();
  });
  const openFile = async (file: File) => {
    try {
      const { run, notice } = withOwnModels(await openTokenscopeFile(file), library.listings);
      compare.open(run);
      compare.fileProblem = notice;
      await compare.keep();
    } catch (thrown) {
      compare.fileProblem = EngineError.from(thrown).message;
    }
  };
  return { compare, runs, openFile };
}
