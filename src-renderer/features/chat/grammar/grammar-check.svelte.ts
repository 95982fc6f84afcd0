import { EngineError } from '../../../../src-main/engine/errors.ts';
import type { GrammarSource, SourceProblem } from '../../../../src-main/engine/types.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { AutomaticRequests } from '../state/automatic-requests.ts';

/** A grammar that is being written is checked when typing pauses, ms. */
const CHECK_AFTER_MS = 150;

/** Whether the answer format of the present settings can be followed. */
export class GrammarCheck {
  /** What is wrong with it; null: nothing, or there is none. */
  problem = $state.raw<SourceProblem | null>(null);
  /** It was found to be in order. */
  passed = $state(false);
  /** The engine did not answer when it checked this one before, so it is not checked unless `retry` is called. */
  held = $state(false);
  readonly #engine: Pick<EngineState, 'ready'>;
  readonly #automatic: AutomaticRequests;

  constructor(engine: Pick<EngineState, 'ready'>, automatic: AutomaticRequests) {
    this.#engine = engine;
    this.#automatic = automatic;
  }

  /** Checks soon. @returns calls it off */
  check(grammar: GrammarSource | null): () => void {
    this.passed = false;
    this.held = false;
    if (grammar === null) {
      this.problem = null;
      return () => undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#check(grammar, abort.signal), CHECK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** Checks a grammar that was held back. */
  retry(grammar: GrammarSource): () => void {
    this.#automatic.allow(grammar);
    return this.check(grammar);
  }

  /** Why nothing can be sent; null: it can. */
  get blocks(): string | null {
    if (this.held)
      return 'The engine did not respond when it checked the answer format. Change the format or turn it off.';
    if (this.problem === null) return null;
    const { line, column } = this.problem;
    return `The answer format is wrong at line ${line}, column ${column}. Fix it in the Sampling panel or turn it off.`;
  }

  async #check(grammar: GrammarSource, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const { problem } = await this.#automatic.run(grammar, signal, () => {
        return engine.call('checkGrammar', { grammar }, { signal });
      });
      if (signal.aborted) return;
      this.problem = problem;
      this.passed = problem === null;
    } catch (thrown) {
      if (signal.aborted) return;
      // Refused as a whole, for example because it is too long: no place in it is wrong.
      const { code, message, details } = EngineError.from(thrown);
      this.held = details['unanswered'] === true;
      this.problem = code === 'BAD_REQUEST' ? { message, line: 1, column: 1 } : null;
    }
  }
}
