import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { Tokenized } from '../../../src-main/engine/api/types.ts';
import type { EngineState } from '../chat/state/engine.svelte.ts';

/** Typing goes on for longer than this between two letters when it has paused, ms. */
const ASK_AFTER_MS = 120;
/** Longer texts are cut into pieces as far as this until somebody asks for the whole, UTF-16 units. */
export const READ_AT_FIRST = 100_000;

export interface Reading {
  /** What was cut into pieces. */
  text: string;
  tokenized: Tokenized;
}

/** A text and the pieces that the model's tokenizer cuts it into. Outlives a look at another view. */
export class TokenizerState {
  text = $state('');
  addBos = $state(false);
  parseSpecial = $state(false);
  /** Somebody asked for all of a long text. */
  whole = $state(false);
  /** Of the text as it was last read; null before the first reading. */
  reading = $state.raw<Reading | null>(null);
  /** Why the text was not read; null: it was. */
  error = $state<string | null>(null);
  /** A newer text is being read. */
  stale = $state(false);

  readonly #engine: Pick<EngineState, 'ready'>;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /** As much of the text as is read. Never ends within a character. */
  get part(): string {
    if (this.whole || this.text.length <= READ_AT_FIRST) return this.text;
    const part = this.text.slice(0, READ_AT_FIRST);
    return /[\ud800-\udbff]$/.test(part) ? part.slice(0, -1) : part;
  }

  /** Reads the text soon. @returns calls it off */
  ask(): () => void {
    // The next long text is asked about anew.
    if (this.text.length <= READ_AT_FIRST) this.whole = false;
    const { part: text, addBos, parseSpecial } = this;
    if (text === '') {
      this.reading = null;
      this.stale = false;
      this.error = null;
      return () => undefined;
    }
    this.stale = true;
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#read({ text, addBos, parseSpecial }, abort.signal), ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async #read(params: { text: string; addBos: boolean; parseSpecial: boolean }, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const tokenized = await engine.call('tokenize', params, { signal });
      if (signal.aborted) return;
      this.reading = { text: params.text, tokenized };
      this.error = null;
    } catch (thrown) {
      if (signal.aborted) return;
      this.reading = null;
      this.error = EngineError.from(thrown).message;
    }
    this.stale = false;
  }
}
