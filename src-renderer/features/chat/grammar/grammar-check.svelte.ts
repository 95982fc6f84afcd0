import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { GrammarSource, SourceProblem } from '../../../../src-main/engine/api/types.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { AutomaticRequests } from '../state/automatic-requests.ts';

/** Delay between the last edit and the check, ms. */
const CHECK_AFTER_MS = 150;

/** Validates the answer format in the current settings. */
export class GrammarCheck {
  /** The error in it, or null. */
  problem = $state.raw<SourceProblem | null>(null);
  /** It was checked and is valid. */
  passed = $state(false);
  /** An earlier check got no response from the engine, so it is only checked again by `retry`. */
  held = $state(false);
  readonly #engine: Pick<EngineState, 'ready'>;
  readonly #automatic: AutomaticRequests;

  constructor(engine: Pick<EngineState, 'ready'>, automatic: AutomaticRequests) {
    this.#engine = engine;
    this.#automatic = automatic;
  }

  /** Schedules a check. @returns cancels it */
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

  /** Checks a grammar whose check was skipped. */
  retry(grammar: GrammarSource): () => void {
    this.#automatic.allow(grammar);
    return this.check(grammar);
  }

  /** Why no message can be sent, or null. */
  get blocks(): string | null {
    if (this.held)
      return 'The engine did not respond when it checked the answer format. Change the format or turn it off.';
    if (this.problem === null) return null;
    const { line, column } = this.problem;
    return `The answer format has an error on line ${line}, column ${column}. Fix it in the Sampling panel or turn it off.`;
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
      // Rejected as a whole, for example because it is too long, so the error has no position.
      const { code, message, details } = EngineError.from(thrown);
      this.held = details['unanswered'] === true;
      this.problem = code === 'BAD_REQUEST' ? { message, line: 1, column: 1 } : null;
    }
  }
}
