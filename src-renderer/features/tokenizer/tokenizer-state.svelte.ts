import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { Tokenized } from '../../../src-main/engine/api/types.ts';
import { cutText } from '../../../src-main/protocol/cut-text.ts';
import type { EngineState } from '../chat/state/engine.svelte.ts';
import { EXAMPLES } from './examples.ts';

/** Debounce delay while typing, ms. */
const ASK_AFTER_MS = 120;
/** Longer texts are only tokenized up to this length until "Show all", UTF-16 units. */
export const READ_AT_FIRST = 100_000;

export interface Reading {
  /** The tokenized text. */
  text: string;
  tokenized: Tokenized;
}

/** A text and its tokens. Kept when another view is shown. */
export class TokenizerState {
  text = $state('');
  addBos = $state(false);
  parseSpecial = $state(false);
  /** Tokenize all of a long text. */
  whole = $state(false);
  /** Result for the last tokenized text, or null. */
  reading = $state.raw<Reading | null>(null);
  /** Why tokenizing failed, or null. */
  error = $state<string | null>(null);
  /** A newer text is being tokenized. */
  stale = $state(false);

  readonly #engine: Pick<EngineState, 'ready'>;
  /** Whose tokens `reading` has. */
  #model: string | null = null;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /** The part of the text that is tokenized. Never ends within a character. */
  get part(): string {
    if (this.whole || this.text.length <= READ_AT_FIRST) return this.text;
    return cutText(this.text, READ_AT_FIRST);
  }

  /** Replaces the text by an example. @returns puts the text back; null if it was empty or an example */
  tryExample(text: string): (() => void) | null {
    const { text: written, whole } = this;
    this.text = text;
    if (written.trim() === '' || EXAMPLES.some((example) => example.text === written)) return null;
    return () => {
      this.text = written;
      this.whole = whole;
    };
  }

  /** Schedules tokenizing. @param model id of the loaded one @returns cancels it */
  ask(model: string | null): () => void {
    // The tokens of another model must not be shown as this one's.
    if (model !== this.#model) this.reading = null;
    this.#model = model;
    // The next long text is cut again.
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
