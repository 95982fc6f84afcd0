import { untrack } from 'svelte';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import type { RunView } from '../steps/step-props.ts';
import { Answers } from './answers.svelte.ts';
import { ASK_AFTER_MS, EXAMPLE_BESIDE } from './examples.ts';
import type { InsideState } from './inside.svelte.ts';
import { promptIds, tooLong } from './run-ids.ts';

/** A model that disappears within this time after it was shown is not loaded again automatically, ms. */
const RELOAD_AFTER_MS = 5000;

/** What is shown beside the run: another text, the changes of "What if", or the same text in another model. */
export type BesideChoice = { kind: 'text' } | { kind: 'changes' } | { kind: 'model'; id: string };

/** The parts of the library that find out about another model. */
export type ModelShelf = Pick<
  LibraryState,
  'listings' | 'nameOf' | 'describe' | 'fit' | 'contextOf' | 'problem' | 'refresh'
>;

/** The run beside the first one. Layer and head are those of the first run, as far as its model has them. */
export class SecondRun implements RunView {
  choice = $state.raw<BesideChoice | null>(null);
  /** Of the choice `text`. */
  text = $state(EXAMPLE_BESIDE);
  /** Null until its ids are known. */
  answers = $state.raw<Answers | null>(null);
  /** Whether another text is being read: `answers` are still those of the one before. */
  pending = $state(false);
  /** Why there are none. */
  problem = $state.raw<string | null>(null);
  /** Name of the model that is being loaded beside the first one, or null. */
  loading = $state.raw<string | null>(null);
  /** What runs it; null while there are no answers. */
  model = $state.raw<ModelInfo | null>(null);
  readonly #first: InsideState;
  readonly #library: ModelShelf;
  #token = $state(0);
  /** The choice that `answers` are of, as text. */
  #shownChoice = '';
  /** The model that may be in memory, and the loaded one that it is beside (ids); null for none. */
  #beside: { id: string; own: string | undefined } | null = null;

  constructor(first: InsideState, library: ModelShelf) {
    this.#first = first;
    this.#library = library;
  }

  get engine(): EngineState {
    return this.#first.engine;
  }

  get settings(): RunView['settings'] {
    return this.#first.settings;
  }

  get layer(): number {
    return Math.min(this.#first.layer, (this.model?.layers ?? 1) - 1);
  }

  set layer(layer: number) {
    this.#first.layer = layer;
  }

  get head(): number {
    return Math.min(this.#first.head, (this.model?.heads ?? 1) - 1);
  }

  set head(head: number) {
    this.#first.head = head;
  }

  /** That of the first run if both have as many tokens. */
  get token(): number {
    return this.isAligned ? this.#first.token : this.#token;
  }

  get target(): number | null {
    return this.choice?.kind === 'changes' ? this.#first.target : null;
  }

  get draw(): null {
    return null;
  }

  /** Of both runs. */
  get names(): readonly [first: string, second: string] {
    switch (this.choice?.kind) {
      case 'model':
        return [this.#first.model?.name ?? '', this.model?.name ?? 'The other model'];
      case 'changes':
        return ['Unmodified', 'With changes'];
      default:
        return ['First text', 'Second text'];
    }
  }

  /** Whether replies can be generated for it: by the loaded model, as it is. */
  get canGenerate(): boolean {
    return this.choice?.kind === 'text';
  }

  /** Whether both runs have as many tokens. */
  get isAligned(): boolean {
    return this.answers !== null && this.answers.ids.length === this.#first.answers?.ids.length;
  }

  /** Whether its numbers can be subtracted from those of the first run. */
  get isComparable(): boolean {
    return this.isAligned && this.choice?.kind !== 'model';
  }

  /** Models that can be chosen. */
  get models(): { id: string; name: string }[] {
    return this.#library.listings
      .filter(({ id, problem }) => problem === null && id !== this.#first.model?.id)
      .map(({ id }) => ({ id, name: this.#library.nameOf(id) }));
  }

  selectToken(index: number): void {
    if (this.isAligned) this.#first.selectToken(index);
    else this.#token = Math.max(0, Math.min((this.answers?.ids.length ?? 0) - 1, index));
  }

  /** Follows the choice and the first run while the view is open. @returns stops */
  follow(): () => void {
    const { choice, text } = this;
    const { answers: first, source, whatIf } = this.#first;
    const name = JSON.stringify(choice);
    // The page would show them under the name of this one.
    if (name !== this.#shownChoice) untrack(() => this.#show(null, null));
    this.#shownChoice = name;
    if (choice?.kind !== 'model') untrack(() => void this.#releaseBeside());
    if (choice?.kind === 'changes') {
      const { answers } = whatIf;
      untrack(() => {
        if (answers === null) this.#show(null, null, 'No changes. Make one in “What if”.');
        else this.#show(answers, this.#first.model);
      });
      return () => undefined;
    }
    const abort = new AbortController();
    if (choice === null || first === null) {
      untrack(() => this.#show(null, null));
      return () => undefined;
    }
    const own = choice.kind === 'text' ? text : source.kind === 'text' ? source.text : null;
    const wait = untrack(() => this.answers) === null ? 0 : ASK_AFTER_MS;
    this.problem = null;
    this.pending = true;
    const timer = setTimeout(() => void this.#read(choice, own, first, abort.signal), wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** Forgets the answers. `InsideState.close` frees the other model. */
  close(): void {
    this.#beside = null;
    this.#show(null, null);
  }

  /** Frees the other model, which is no longer shown. */
  async #releaseBeside(): Promise<void> {
    if (this.#beside === null) return;
    this.#beside = null;
    try {
      const engine = await this.engine.ready();
      await engine.call('releaseInside', { only: 'beside' });
    } catch {
      // An engine that is gone has freed it.
    }
  }

  /** @param text null for that of the first run's tokens */
  async #read(choice: BesideChoice, text: string | null, first: Answers, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.engine.ready(signal);
      const shown =
        text ?? (await engine.call('detokenize', { ids: [...first.ids], skipSpecial: true }, { signal })).text;
      const model = choice.kind === 'model' ? await this.#load(engine, choice.id, signal) : this.#first.model;
      const modelId = choice.kind === 'model' ? choice.id : undefined;
      const ids = await promptIds(engine, { kind: 'text', text: shown }, signal, { modelId });
      if (signal.aborted) return;
      if (ids.length === 0) this.#show(null, null, 'Type text to compare with.');
      else if (model !== null && ids.length > model.contextSize) this.#show(null, null, tooLong(ids.length, model));
      else if (model === null) this.#show(null, null);
      else if (choice.kind !== 'model') this.#show(new Answers(this.engine, { ids, modelId: model.id }), model);
      else {
        const shownAt = performance.now();
        const onlost = () => this.#readLost(shownAt, signal, () => this.#read(choice, text, first, signal));
        this.#show(new Answers(this.engine, { ids, modelId: model.id, onlost }), model);
      }
    } catch (thrown) {
      if (!signal.aborted) this.#show(null, null, EngineError.from(thrown).message);
    }
  }

  /** Another window compares with another model, which replaced this one. @returns whether the run is read again */
  #readLost(shownAt: number, signal: AbortSignal, read: () => Promise<void>): boolean {
    // Something else is being read.
    if (signal.aborted || this.pending) return true;
    // Otherwise, two windows could take turns forever.
    if (performance.now() - shownAt < RELOAD_AFTER_MS) return false;
    this.#beside = null;
    this.pending = true;
    void read();
    return true;
  }

  /** Loads a model beside the one that answers. @throws EngineError if it cannot be read, or does not fit */
  async #load(engine: EngineApi, id: string, signal: AbortSignal): Promise<ModelInfo> {
    const library = this.#library;
    const name = library.nameOf(id);
    const own = this.#first.model;
    if (id === own?.id) throw new EngineError('BAD_REQUEST', `${name} is loaded. Choose another model.`);
    this.loading = name;
    try {
      const isThere = this.#beside?.id === id && this.#beside.own === own?.id;
      // Another one that is still there takes the memory that this one needs.
      if (!isThere) await this.#releaseBeside();
      await Promise.all([library.describe(id), library.refresh()]);
      // Again, if the list says that the file was replaced.
      await library.describe(id);
      const problem = library.problem(id);
      if (problem !== null) throw problem;
      const fit = library.fit(id);
      // The free memory is what it leaves, once it is there.
      if (!isThere && fit !== null && fit.verdict !== 'fits') {
        const other = own?.name ?? 'the loaded model';
        throw new EngineError('OUT_OF_MEMORY', `${name} does not fit in memory beside ${other}.`);
      }
      // Something else may have been chosen by now, whose model is the one beside.
      signal.throwIfAborted();
      this.#beside = { id, own: own?.id };
      const contextSize = library.contextOf(id);
      const params = { modelId: id, beside: true, ...(contextSize === null ? {} : { contextSize }) };
      let loaded: ModelInfo | null = null;
      for await (const event of engine.stream('load', params, { signal })) {
        if (event.type === 'loaded') loaded = { ...event.model, name };
      }
      if (loaded === null) throw new EngineError('INTERNAL', `${name} was not loaded.`);
      return loaded;
    } catch (thrown) {
      // Nothing may be left of it, and the next attempt must ask whether it fits.
      if (!signal.aborted) await this.#releaseBeside();
      throw thrown;
    } finally {
      this.loading = null;
    }
  }

  #show(answers: Answers | null, model: ModelInfo | null, problem: string | null = null): void {
    // Those of "What if" are closed there.
    if (this.answers !== answers && this.answers !== this.#first.whatIf.answers) this.answers?.close();
    this.answers = answers;
    this.pending = false;
    this.model = model;
    this.problem = problem;
    if (answers !== null) this.#token = answers.ids.length - 1;
  }
}
