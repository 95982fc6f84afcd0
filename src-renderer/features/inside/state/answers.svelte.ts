import { untrack } from 'svelte';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { InsideQuery, Intervention } from '../../../../src-main/engine/api/inside-types.ts';
import { askInside, type AnswerTo } from '../../../../src-main/protocol/engine/ask-inside.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';

/** Answers that are remembered on the page. The engine remembers more. */
const REMEMBERED = 24;
/** Queries that need no run of the model. */
const WITHOUT_RUN: ReadonlySet<InsideQuery['kind']> = new Set(['tokens', 'embedding', 'positions', 'cache', 'norms']);

/** An answer and the query that it belongs to. */
export interface ShownAnswer<Q extends InsideQuery> {
  query: Q;
  answer: AnswerTo<Q>;
}

/** A query and its answer, once it is known. */
export class Question<Q extends InsideQuery> {
  readonly query: Q;
  /** Until it is answered: the last answer to a query of this kind, so that nothing flickers. */
  shown = $state.raw<ShownAnswer<Q> | null>(null);
  problem = $state.raw<EngineError | null>(null);
  readonly abort = new AbortController();
  /** Resolves when it is answered, has failed or was cancelled. */
  settled: Promise<void> = Promise.resolve();

  constructor(query: Q, before: ShownAnswer<Q> | null) {
    this.query = query;
    this.shown = before;
  }

  /** Whether `shown` is the answer to this query. */
  get done(): boolean {
    return this.shown?.query === this.query;
  }
}

/** What is known about one run. Each question is asked once. */
export class Answers {
  readonly ids: readonly number[];
  readonly interventions: readonly Intervention[];
  /** Of the model that runs it; null for the one that answers. */
  readonly modelId: string | null;
  readonly #engine: Pick<EngineState, 'ready'>;
  // Nothing on screen depends on these maps, only on the questions in them.
  /** By query, the latest last. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #questions = new Map<string, Question<InsideQuery>>();
  /** The latest question of each slot. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #latest = new Map<string, Question<InsideQuery>>();

  constructor(
    engine: Pick<EngineState, 'ready'>,
    run: { ids: readonly number[]; interventions?: readonly Intervention[]; modelId?: string },
  ) {
    this.#engine = engine;
    this.ids = run.ids;
    this.interventions = run.interventions ?? [];
    this.modelId = run.modelId ?? null;
  }

  /**
   * Asks the engine, unless it was asked before. An unanswered question in the same slot is cancelled.
   * @param slot for questions of a kind that are asked together
   */
  ask<Q extends InsideQuery>(query: Q, slot: string = query.kind): Question<Q> {
    return untrack(() => this.#ask(query, slot) as unknown as Question<Q>);
  }

  /** Cancels what is unanswered. */
  close(): void {
    for (const { abort } of this.#questions.values()) abort.abort();
    this.#questions.clear();
    this.#latest.clear();
  }

  #ask(query: InsideQuery, slot: string): Question<InsideQuery> {
    const key = JSON.stringify(query);
    const known = this.#questions.get(key);
    this.#questions.delete(key);
    if (known !== undefined && known.problem === null) {
      this.#questions.set(key, known);
      this.#latest.set(slot, known);
      return known;
    }
    const before = this.#latest.get(slot);
    // Everything else waits for the lengths, which are computed with the run.
    if (before !== undefined && !before.done && query.kind !== 'norms') {
      before.abort.abort();
      this.#questions.delete(JSON.stringify(before.query));
    }
    const question = new Question(query, before?.shown ?? null);
    this.#questions.set(key, question);
    this.#latest.set(slot, question);
    this.#forgetOldest();
    question.settled = this.#run(question);
    return question;
  }

  #forgetOldest(): void {
    for (const [key, question] of this.#questions) {
      if (this.#questions.size <= REMEMBERED) return;
      if (question.query.kind !== 'norms' && question.done) this.#questions.delete(key);
    }
  }

  async #run(question: Question<InsideQuery>): Promise<void> {
    const { query, abort } = question;
    const { signal } = abort;
    try {
      const engine = await this.#engine.ready(signal);
      if (!WITHOUT_RUN.has(query.kind)) await this.#firstPass(signal);
      const by = this.modelId === null ? {} : { modelId: this.modelId };
      const run = { ids: [...this.ids], interventions: [...this.interventions], ...by };
      const answer = await askInside(engine, run, query, { signal });
      if (signal.aborted) return;
      question.shown = { query, answer };
    } catch (thrown) {
      if (signal.aborted) return;
      question.shown = null;
      question.problem = EngineError.from(thrown);
    }
  }

  /** The pass over all tokens. If it fails, the query that waited for it reports why. */
  async #firstPass(signal: AbortSignal): Promise<void> {
    const norms = this.ask({ kind: 'norms' });
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([norms.settled, aborted]);
  }
}
