import { untrack } from 'svelte';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { InsideQuery, Intervention } from '../../../../src-main/engine/api/inside-types.ts';
import { askInside, type AnswerTo } from '../../../../src-main/protocol/engine/ask-inside.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';

/** Answers that are remembered on the page, and the bytes of their arrays. The engine remembers more. */
const REMEMBERED = 24;
const MAX_BYTES = 64 * 2 ** 20;
/** Queries whose answers change: an answer is not remembered. */
const CHANGING: ReadonlySet<InsideQuery['kind']> = new Set(['cache']);

/** An answer and the query that it belongs to. */
export interface ShownAnswer<Q extends InsideQuery> {
  query: Q;
  answer: AnswerTo<Q>;
}

/** How far the engine is with an answer that takes long. */
export interface AnswerProgress {
  /** 0..1 */
  fraction: number;
  /** Estimated from how fast it grows, ms; null at first. */
  leftMs: number | null;
}

/** A query and its answer, once it is known. */
export class Question<Q extends InsideQuery> {
  readonly query: Q;
  /** Until it is answered: the last answer to a query of this kind, so that nothing flickers. */
  shown = $state.raw<ShownAnswer<Q> | null>(null);
  problem = $state.raw<EngineError | null>(null);
  /** Null before the engine reports it, and again when it is answered or has failed. */
  progress = $state.raw<AnswerProgress | null>(null);
  #reported: { fraction: number; at: number } | null = null;
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

  /** @param fraction of what the answer needs */
  advance(fraction: number): void {
    const now = performance.now();
    this.#reported ??= { fraction, at: now };
    const grown = fraction - this.#reported.fraction;
    const leftMs = grown > 0 ? ((1 - fraction) * (now - this.#reported.at)) / grown : null;
    this.progress = { fraction, leftMs };
  }

  /** Of the arrays of its own answer. */
  get bytes(): number {
    if (!this.done || this.shown === null) return 0;
    const values: unknown[] = Object.values(this.shown.answer);
    return values.reduce<number>((sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0), 0);
  }
}

/** What is known about one run. Each question is asked once. */
export class Answers {
  readonly ids: readonly number[];
  readonly interventions: readonly Intervention[];
  /** Of the model that runs it. Ids mean something else to another one, which may have taken its place. */
  readonly modelId: string;
  readonly #engine: Pick<EngineState, 'ready'>;
  // Nothing on screen depends on these maps, only on the questions in them.
  /** By query, the latest last. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #questions = new Map<string, Question<InsideQuery>>();
  /** The latest question of each slot. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #latest = new Map<string, Question<InsideQuery>>();
  /** Questions that somebody waits for. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #open = new Set<Question<InsideQuery>>();
  /** What is asked in the background next, and what is being asked. */
  #ahead: readonly InsideQuery[] = [];
  #askedAhead: Question<InsideQuery> | null = null;
  /** See `hold`. */
  #held = 0;
  readonly #onlost: (() => boolean) | undefined;

  /** @param run `onlost`: its model is no longer in memory; returns whether the run is read again */
  constructor(
    engine: Pick<EngineState, 'ready'>,
    run: {
      ids: readonly number[];
      interventions?: readonly Intervention[];
      modelId: string;
      onlost?: () => boolean;
    },
  ) {
    this.#engine = engine;
    this.ids = run.ids;
    this.interventions = run.interventions ?? [];
    this.modelId = run.modelId;
    this.#onlost = run.onlost;
  }

  /**
   * Asks the engine, unless it was asked before. An unanswered question in the same slot is cancelled.
   * @param slot for questions of a kind that are asked together
   */
  ask<Q extends InsideQuery>(query: Q, slot: string = query.kind): Question<Q> {
    // The answer has the kind of its query.
    return untrack(() => this.#ask(query, slot) as unknown as Question<Q>);
  }

  /**
   * Asks these in the background, one after the other, while nobody waits for an answer. A question of the page cancels the
   * present one, which is asked again later: the engine keeps what it has computed.
   */
  askAhead(queries: readonly InsideQuery[]): void {
    this.#ahead = queries;
    this.#askNextAhead();
  }

  /** The engine is asked something else about this run, which does not wait behind what is asked ahead. */
  async hold<T>(use: () => Promise<T>): Promise<T> {
    this.#held += 1;
    if (this.#askedAhead !== null) this.#cancel(this.#askedAhead);
    try {
      return await use();
    } finally {
      this.#held -= 1;
      this.#askNextAhead();
    }
  }

  /** Cancels what is unanswered. */
  close(): void {
    this.#ahead = [];
    for (const { abort } of this.#questions.values()) abort.abort();
    this.#questions.clear();
    this.#latest.clear();
    this.#open.clear();
    this.#askedAhead = null;
  }

  #ask(query: InsideQuery, slot: string): Question<InsideQuery> {
    const key = JSON.stringify(query);
    const known = this.#questions.get(key);
    this.#questions.delete(key);
    const before = this.#latest.get(slot);
    if (before !== undefined && before !== known && !before.done) this.#cancel(before);
    if (known !== undefined && known.problem === null && !(CHANGING.has(query.kind) && known.done)) {
      this.#questions.set(key, known);
      this.#latest.set(slot, known);
      if (known === this.#askedAhead) {
        // Now somebody waits for it.
        this.#askedAhead = null;
        this.#open.add(known);
      }
      return known;
    }
    if (this.#askedAhead !== null) this.#cancel(this.#askedAhead);
    const question = new Question(query, before?.shown ?? null);
    this.#questions.set(key, question);
    this.#latest.set(slot, question);
    this.#forgetOldest();
    this.#open.add(question);
    question.settled = this.#run(question);
    return question;
  }

  #cancel(question: Question<InsideQuery>): void {
    question.abort.abort();
    this.#questions.delete(JSON.stringify(question.query));
    this.#open.delete(question);
    if (this.#askedAhead === question) this.#askedAhead = null;
  }

  #askNextAhead(): void {
    if (this.#open.size > 0 || this.#held > 0 || this.#askedAhead !== null) return;
    this.#ahead = this.#ahead.filter((query) => this.#questions.get(JSON.stringify(query))?.done !== true);
    const query = this.#ahead.at(0);
    if (query === undefined) return;
    const question = new Question(query, this.#latest.get(query.kind)?.shown ?? null);
    this.#questions.set(JSON.stringify(query), question);
    this.#askedAhead = question;
    question.settled = this.#run(question);
  }

  #forgetOldest(): void {
    let bytes = 0;
    for (const question of this.#questions.values()) bytes += question.bytes;
    const latest = [...this.#latest.values()];
    for (const [key, question] of this.#questions) {
      if (this.#questions.size <= REMEMBERED && bytes <= MAX_BYTES) return;
      if (!question.done || latest.includes(question)) continue;
      this.#questions.delete(key);
      bytes -= question.bytes;
    }
  }

  async #run(question: Question<InsideQuery>): Promise<void> {
    const { query, abort } = question;
    const { signal } = abort;
    try {
      const engine = await this.#engine.ready(signal);
      const run = { ids: [...this.ids], interventions: [...this.interventions], modelId: this.modelId };
      const onProgress = (fraction: number) => question.advance(fraction);
      const answer = await askInside(engine, run, query, { signal, onProgress });
      if (signal.aborted) return;
      question.shown = { query, answer };
      this.#forgetOldest();
    } catch (thrown) {
      if (signal.aborted) return;
      const problem = EngineError.from(thrown);
      // The run that is read again has the answer.
      if (problem.code === 'MODEL_NOT_FOUND' && this.#onlost?.() === true) return;
      question.shown = null;
      question.problem = problem;
    } finally {
      question.progress = null;
      this.#open.delete(question);
      // A failure in the background is reported when the page asks the same.
      if (!signal.aborted) this.#ahead = this.#ahead.filter((other) => other !== query);
      if (this.#askedAhead === question) this.#askedAhead = null;
      this.#askNextAhead();
    }
  }
}
