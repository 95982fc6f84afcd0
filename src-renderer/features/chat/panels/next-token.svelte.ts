import type { Candidate, InspectParams, SamplerStageReport } from '../../../../src-main/engine/api/types.ts';
import type { EngineState } from '../state/engine.svelte.ts';

/** A slider that is dragged asks at most this often, ms. */
const ASK_AFTER_MS = 60;
/** Candidates shown. */
export const SHOWN_CANDIDATES = 14;

/** What the sampler chain does to the next token. */
export interface NextToken {
  /** Most probable raw candidates, best first. */
  candidates: readonly Candidate[];
  /** Tokens that could be drawn. */
  survivors: number;
  /** What each stage did; empty for a token that a reply has drawn already. */
  stages: readonly SamplerStageReport[];
}

/** Asks the engine from what the next token of a text would be drawn, whenever text or settings change. */
export class NextTokenPreview {
  result = $state.raw<NextToken | null>(null);
  readonly #engine: EngineState;

  constructor(engine: EngineState) {
    this.#engine = engine;
  }

  /** Asks soon. @returns calls the question off */
  ask(params: Omit<InspectParams, 'topCandidates'>): () => void {
    const abort = new AbortController();
    const timer = setTimeout(
      () => void this.#run({ ...params, topCandidates: SHOWN_CANDIDATES }, abort.signal),
      ASK_AFTER_MS,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async #run(params: InspectParams, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const preview = await engine.call('preview', params, { signal });
      if (!signal.aborted) this.result = preview;
    } catch {
      // Called off by a later question, or the text does not fit the window: there is nothing to show.
      if (!signal.aborted) this.result = null;
    }
  }
}
