import { untrack } from 'svelte';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { ModelInfo, PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import type { CompleteSettings } from '../../chat/state/model-settings.svelte.ts';
import { BUILT_IN_MODEL } from '../../chat/state/app-model.svelte.ts';
import type { SettingsState } from '../../chat/state/settings.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import { Lesson } from '../lesson/lesson.svelte.ts';
import { PAGES, type StepId } from '../steps.ts';
import { headQuery } from '../steps/attention.ts';
import { TOP_LOGITS } from '../steps/head.ts';
import type { RunView } from '../steps/step-props.ts';
import { Answers } from './answers.svelte.ts';
import { ASK_AFTER_MS, EXAMPLE } from './examples.ts';
import { promptIds, tooLong } from './run-ids.ts';
import { SecondRun, type ModelShelf } from './second-run.svelte.ts';
import { WhatIfRun } from './what-if-run.svelte.ts';

/** Parameters times tokens that are computed before anybody asks: a few seconds. */
const AHEAD = 3e11;

/** Where the tokens come from: a text in the view, or a token of a reply. Unknown: what led to that token is not known. */
export type InsideSource =
  | { kind: 'text'; text: string }
  | {
      kind: 'reply';
      prompt: PromptInput;
      reply: readonly number[];
      /** Token limit of the reply. */
      maxTokens: number;
      target: number;
      model: { id: string; name: string };
    }
  | { kind: 'unknown'; problem: string };

export interface InsideParts {
  engine: EngineState;
  /** Settings of replies in the chat. */
  replies: Pick<CompleteSettings, 'sampling' | 'stop'>;
  settings: Pick<SettingsState, 'current' | 'update'>;
  library: ModelShelf & Pick<LibraryState, 'load'>;
}

/** The view "Inside": which run it shows, and what of it. Outlives the view; answers do not. */
export class InsideState implements RunView {
  source = $state.raw<InsideSource>({ kind: 'text', text: EXAMPLE });
  step = $state<StepId>('tokenize');
  /** From 0. */
  layer = $state(0);
  head = $state(0);
  /** The token that is looked at, from 0. */
  token = $state(0);
  /** Questions about the present run; null until its ids are known. */
  answers = $state.raw<Answers | null>(null);
  /** Whether another source or model is being read: `answers` are still those of the one before. */
  pending = $state(false);
  /** Why there are none. */
  problem = $state.raw<string | null>(null);
  readonly engine: EngineState;
  /** Of replies in the chat. */
  readonly settings: Pick<CompleteSettings, 'sampling' | 'stop'>;
  readonly whatIf: WhatIfRun;
  /** The run beside this one. */
  readonly second: SecondRun;
  readonly lesson: Lesson;
  /** Makes the built-in model the loaded one. */
  readonly loadBuiltIn: () => Promise<void>;
  #draws: { source: DrawSource; index: number } | null = null;
  /** Waits for an engine that is loading a model, to free what it remembers of a view that was closed. */
  #release: AbortController | null = null;
  /** Id of the model that `answers` are from. */
  #modelId: string | null = null;

  constructor({ engine, replies, settings, library }: InsideParts) {
    this.engine = engine;
    this.settings = replies;
    this.whatIf = new WhatIfRun(engine);
    this.second = new SecondRun(this, library);
    this.lesson = new Lesson(this, settings);
    this.loadBuiltIn = () => library.load(BUILT_IN_MODEL);
  }

  get model(): ModelInfo | null {
    return this.engine.model;
  }

  /** The token that the reply has next, if the run is from a reply. */
  get target(): number | null {
    return this.source.kind === 'reply' ? this.source.target : null;
  }

  /** The draw of the token that was chosen in a chat. */
  get draw(): { source: DrawSource; index: number } | null {
    return this.source.kind === 'reply' ? this.#draws : null;
  }

  /** What may make the run, or the draw, differ from those of the reply; null if nothing is known to. */
  get caution(): string | null {
    const { draw } = this;
    return draw === null ? null : draw.source.caution(draw.index);
  }

  setText(text: string): void {
    this.source = { kind: 'text', text };
  }

  /** Looks at how a token of a reply came about. */
  lookAt(source: DrawSource, index: number): void {
    this.step = 'why';
    const problem = source.problem(index);
    if (problem !== null) {
      this.source = { kind: 'unknown', problem };
      return;
    }
    const { prompt, firstToken, reply: drawn = [], stop } = source.question(index);
    const reply = firstToken === undefined ? drawn : [firstToken, ...drawn];
    const { maxTokens } = stop;
    this.#draws = { source, index };
    this.source = { kind: 'reply', prompt, reply, maxTokens, target: source.token(index).id, model: source.model };
  }

  show(step: StepId): void {
    this.step = step;
    this.lesson.verdict = null;
    if (this.lesson.isOpen) this.lesson.prepare();
  }

  /** Moves to the step that is `by` further, if there is one. */
  move(by: 1 | -1): void {
    const next = PAGES[PAGES.findIndex(({ id }) => id === this.step) + by];
    if (next) this.show(next.id);
  }

  selectToken(index: number): void {
    const count = this.answers?.ids.length ?? 0;
    this.token = Math.max(0, Math.min(count - 1, index));
  }

  /** Follows source and model while the view is open. @returns stops */
  follow(): () => void {
    // What is asked from here on would be released, too.
    this.#release?.abort();
    const { source } = this;
    const model = this.engine.status === 'ready' ? this.engine.model : null;
    // Ids mean nothing to another model.
    if (model !== null && model.id !== this.#modelId) untrack(() => this.#set(null, null));
    this.pending = model !== null;
    const abort = new AbortController();
    const isFirst = untrack(() => this.answers) === null;
    const wait = source.kind === 'text' && !isFirst ? ASK_AFTER_MS : 0;
    const timer = setTimeout(() => void this.#read(source, model, abort.signal), wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** The view closes: forgets all answers, here and in the engine. */
  close(): void {
    this.#set(null, null);
    this.second.close();
    const release = new AbortController();
    this.#release = release;
    this.engine
      .ready(release.signal)
      .then((engine) => engine.call('releaseInside', {}))
      // An engine that is gone remembers nothing.
      .catch((thrown: unknown) => void thrown);
  }

  async #read(source: InsideSource, model: ModelInfo | null, signal: AbortSignal): Promise<void> {
    if (model === null) return;
    if (source.kind === 'unknown') return this.#set(null, source.problem);
    try {
      if (source.kind === 'reply' && source.model.id !== '' && source.model.id !== model.id) {
        const { name } = source.model;
        this.#set(null, `This reply is by ${name}, and ${model.name} is loaded. Load ${name} to look inside.`);
        return;
      }
      const engine = await this.engine.ready(signal);
      const prompt: PromptInput = source.kind === 'text' ? { kind: 'text', text: source.text } : source.prompt;
      const use = source.kind === 'reply' ? { maxTokens: source.maxTokens } : {};
      const asked = await promptIds(engine, prompt, signal, use);
      if (signal.aborted) return;
      // A copy: the prompt is read again when the view is opened again.
      const ids = source.kind === 'reply' ? [...asked, ...source.reply] : asked;
      if (ids.length === 0) this.#set(null, 'Type text to look inside.');
      else if (ids.length > model.contextSize) this.#set(null, tooLong(ids.length, model, source.kind));
      else {
        const answers = new Answers(this.engine, { ids, modelId: model.id });
        this.#set(answers, null);
        this.#askAhead(answers, model);
      }
    } catch (thrown) {
      if (!signal.aborted) this.#set(null, EngineError.from(thrown).message);
    }
  }

  /**
   * While the page is read: K and V of all tokens, then the inputs of all layers, which the heads of the last one need. After
   * that, every step opens at once.
   */
  #askAhead(answers: Answers, { parameters, layers }: ModelInfo): void {
    const count = answers.ids.length;
    const isShort = count * parameters <= AHEAD;
    if (!isShort) return;
    const token = count - 1;
    answers.ask({ kind: 'tokens' });
    answers.askAhead([
      { kind: 'logits', token, top: TOP_LOGITS },
      headQuery({ layer: layers - 1, head: 0, token }, count),
    ]);
  }

  #set(answers: Answers | null, problem: string | null): void {
    this.#modelId = this.model?.id ?? null;
    this.answers?.close();
    this.answers = answers;
    this.pending = false;
    this.problem = problem;
    this.whatIf.reset(answers);
    if (answers === null) return;
    this.token = answers.ids.length - 1;
    const { layers = 1, heads = 1 } = this.model ?? {};
    this.layer = Math.min(this.layer, layers - 1);
    this.head = Math.min(this.head, heads - 1);
  }
}
