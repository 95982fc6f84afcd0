import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { DrawQuestion } from '../../waterfall/draw-source.ts';
import { TOP_CANDIDATES, type Explained } from '../../waterfall/waterfall.svelte.ts';
import type { Answers } from './answers.svelte.ts';

/** What a draw needs of its run. */
export interface DrawnRun {
  answers: Pick<Answers, 'hold'>;
  /** What is computed first. */
  after?: Promise<void> | undefined;
}

/** How the token after a run is drawn. */
export class SamplingDraw {
  explained = $state.raw<Explained | null>(null);
  problem = $state.raw<string | null>(null);
  /** Whether `explained` belongs to an earlier question. */
  stale = $state(false);
  readonly #engine: Pick<EngineState, 'ready'>;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /**
   * @param index of the token in its reply, which selects its random number
   * @returns cancels it
   */
  ask(question: DrawQuestion, index: number, { answers, after }: DrawnRun): () => void {
    const abort = new AbortController();
    this.stale = true;
    void answers.hold(() => this.#run(question, index, abort.signal, after));
    return () => abort.abort();
  }

  async #run(
    question: DrawQuestion,
    index: number,
    signal: AbortSignal,
    after: Promise<void> | undefined,
  ): Promise<void> {
    try {
      await after;
      if (signal.aborted) return;
      const engine = await this.#engine.ready(signal);
      const preview = await engine.call('preview', { ...question, topCandidates: TOP_CANDIDATES }, { signal });
      if (signal.aborted) return;
      const { draw } = preview;
      this.explained = draw === null ? null : { ...preview, draw, index, sampling: question.sampling };
      this.problem = null;
      this.stale = false;
    } catch (thrown) {
      if (signal.aborted) return;
      this.explained = null;
      this.stale = false;
      this.problem = EngineError.from(thrown).message;
    }
  }
}
