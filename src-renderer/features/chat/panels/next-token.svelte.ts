import type { Candidate, SamplerStageReport } from '../../../../src-main/engine/api/types.ts';
import type { DrawQuestion } from '../../waterfall/draw-source.ts';
import type { EngineState } from '../state/engine.svelte.ts';

/** Debounce delay, ms, for example while a slider is dragged. */
const ASK_AFTER_MS = 60;
/** Number of candidates shown. */
const SHOWN_CANDIDATES = 14;

/** A question, or what makes one, for example of a text that has to be tokenized first. */
type Question = DrawQuestion | ((signal: AbortSignal) => Promise<DrawQuestion>);

/** What the sampler chain does to the next token. */
export interface NextToken {
  /** Most probable raw candidates, best first. */
  candidates: readonly Candidate[];
  /** Number of tokens that can be picked. */
  survivors: number;
  /** Effect of each stage; empty for a token that is already in a reply. */
  stages: readonly SamplerStageReport[];
}

/** Number of tokens that the settings rule out: those that are never generated do not count, where they are known. */
export function cutTokens(next: NextToken, vocabularySize: number): number {
  return Math.max(0, vocabularySize - next.survivors - neverGenerated(next));
}

/** Number of tokens that are never generated; 0 if it is unknown. */
export function neverGenerated({ stages }: NextToken): number {
  return stages.find(({ stage }) => stage === 'mask')?.removed ?? 0;
}

/** The distribution of the next token, updated when the text or the settings change. */
export class NextTokenPreview {
  result = $state.raw<NextToken | null>(null);
  /** What `result` is of: see `ask`. */
  of = $state.raw<unknown>(null);
  readonly #engine: Pick<EngineState, 'ready'>;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /** Schedules a request. @param of whose next token it is, for example a chat @returns cancels it */
  ask(question: Question, of: unknown = null): () => void {
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#run(question, of, abort.signal), ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async #run(question: Question, of: unknown, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const asked = typeof question === 'function' ? await question(signal) : question;
      const preview = await engine.call('preview', { ...asked, topCandidates: SHOWN_CANDIDATES }, { signal });
      if (signal.aborted) return;
      this.result = preview;
      this.of = of;
    } catch {
      // Cancelled by a later request, or the text does not fit the window: there is nothing to show.
      if (!signal.aborted) this.result = null;
    }
  }
}
