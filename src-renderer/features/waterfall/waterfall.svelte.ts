import { untrack } from 'svelte';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { SamplingParams, SamplingPreview } from '../../../src-main/engine/api/types.ts';
import { visibleText } from '../../lib/visible.ts';
import type { EngineState } from '../chat/state/engine.svelte.ts';
import type { DrawSource, WaterfallToken } from './draw-source.ts';
import { WhatIf } from './what-if.svelte.ts';

/** Debounce delay while a slider is dragged, ms. */
const ASK_AFTER_MS = 60;
/** Candidates that are listed from the top. */
export const TOP_CANDIDATES = 10;

/** An explained draw, and what it was asked with. */
export interface Explained extends SamplingPreview {
  readonly draw: NonNullable<SamplingPreview['draw']>;
  readonly index: number;
  readonly sampling: SamplingParams;
}

/** A token of a reply as the table shows it: a reply's text does not begin with its first token's space. */
export function shownText({ id, text }: WaterfallToken, explained: Explained | null): string {
  return visibleText(explained?.draw.rows.find((row) => row.id === id)?.piece ?? text);
}

/** What the tried settings draw in place of a token, as shown. */
export interface Verdict {
  readonly drawn: string;
  /** The token of the reply; null if it is the same. */
  readonly insteadOf: string | null;
}

/** How the tokens of one reply were drawn: the open dialog. */
export class WaterfallView {
  readonly source: DrawSource;
  index = $state(0);
  readonly whatIf: WhatIf;
  /** The latest answer; kept while the next is awaited, so that nothing flickers. */
  explained = $state.raw<Explained | null>(null);
  /** Why there is none. */
  problem = $state.raw<string | null>(null);
  readonly #engine: EngineState;

  constructor(engine: EngineState, source: DrawSource, index: number) {
    this.#engine = engine;
    this.source = source;
    this.index = index;
    this.whatIf = new WhatIf(this.#drawnWith(index));
  }

  /** Whether the answer is for the present token and settings. */
  get current(): boolean {
    return this.explained?.index === this.index && this.explained.sampling === this.whatIf.sampling;
  }

  /** The token of the reply. */
  get actual(): WaterfallToken {
    return this.source.token(this.index);
  }

  /** Null until the draw with the tried settings is there, and while none are tried. */
  get verdict(): Verdict | null {
    const { explained, actual } = this;
    if (explained === null || !this.current || this.whatIf.changed.length === 0) return null;
    const { id, piece } = explained.draw;
    return { drawn: visibleText(piece), insteadOf: id === actual.id ? null : this.textOf(actual) };
  }

  textOf(token: WaterfallToken): string {
    return shownText(token, this.explained);
  }

  /** Goes to another token, within the reply. */
  go(index: number): void {
    this.index = Math.min(this.source.count - 1, Math.max(0, index));
    this.whatIf.rebase(this.#drawnWith(this.index));
  }

  /** Tokens before a branch were drawn with the settings of the version that it was branched from. */
  #drawnWith(index: number): SamplingParams {
    const { source } = this;
    return source.problem(index) === null ? source.question(index).sampling : source.sampling;
  }

  /** Draws with another random number. */
  drawAgain(): void {
    this.whatIf.setSampling({ seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 });
  }

  /** Asks for the present token and settings. @returns cancels it */
  ask(): () => void {
    const { source, index, whatIf } = this;
    const { sampling } = whatIf;
    const blocked = this.#blocked(index);
    if (blocked !== null) {
      this.problem = blocked;
      this.explained = null;
      return () => undefined;
    }
    const abort = new AbortController();
    // Only settings change many times a second.
    const wait = untrack(() => this.explained?.index) === index ? ASK_AFTER_MS : 0;
    const timer = setTimeout(() => void this.#run(source, index, sampling, abort.signal), wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  #blocked(index: number): string | null {
    const { source } = this;
    const loaded = this.#engine.model;
    if (source.model.id !== '' && loaded !== null && loaded.id !== source.model.id) {
      return `This reply is by ${source.model.name}, and ${loaded.name} is loaded. Load ${source.model.name} to see how it was drawn.`;
    }
    return source.problem(index);
  }

  async #run(source: DrawSource, index: number, sampling: SamplingParams, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const params = { ...source.question(index), sampling, topCandidates: TOP_CANDIDATES };
      const preview = await engine.call('preview', params, { signal });
      if (signal.aborted || preview.draw === null) return;
      this.explained = { ...preview, draw: preview.draw, index, sampling };
      this.problem = null;
    } catch (thrown) {
      if (signal.aborted) return;
      this.explained = null;
      this.problem = EngineError.from(thrown).message;
    }
  }
}

/** Opens and closes the dialog. */
export class Waterfall {
  view = $state.raw<WaterfallView | null>(null);
  readonly #engine: EngineState;

  constructor(engine: EngineState) {
    this.#engine = engine;
  }

  open(source: DrawSource, index: number): void {
    this.view = new WaterfallView(this.#engine, source, index);
  }

  close(): void {
    this.view = null;
  }
}
