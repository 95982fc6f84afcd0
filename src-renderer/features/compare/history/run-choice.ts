import type { CompareState } from '../state/compare.svelte.ts';
import type { ComparisonsState } from './comparisons.svelte.ts';

/** Opens the run that is chosen in the list of runs. Reading one may take a while. */
export class RunChoice {
  /** Incremented by each choice, and when it no longer counts. */
  #latest = 0;

  /** @returns whether it is open; false too if another one was chosen, or a run began, while it was read */
  async open(
    id: string,
    compare: Pick<CompareState, 'id' | 'runner' | 'open'>,
    runs: Pick<ComparisonsState, 'read'>,
  ): Promise<boolean> {
    const choice = ++this.#latest;
    const { runner } = compare;
    // What is on screen is newer. Once it is read, the next save would overwrite what another window has changed.
    if (id === compare.id && runner.running) return true;
    const { started } = runner;
    const run = await runs.read(id);
    if (run === null || choice !== this.#latest || runner.started !== started) return false;
    compare.open(run);
    return true;
  }

  /** The list was closed: a run that is still being read is not opened. */
  forget(): void {
    this.#latest++;
  }
}
