import type {
  EngineApi,
  EngineMethods,
  EngineStreams,
  MethodName,
  StreamName,
} from '../../src-main/protocol/engine/api.ts';

/** An engine that has not answered such a call after this long, ms, hangs. It answers most of them within 100 ms. */
export const UNANSWERED_MS = 5000;

/** Answered at once by an engine that has nothing else to do. */
const QUICK: ReadonlySet<MethodName> = new Set([
  'status',
  'tokenize',
  'detokenize',
  'renderChat',
  'checkGrammar',
  'stopLane',
]);

/** An engine whose answers are waited for: tells whether it still gives any. */
export class EngineWatch implements EngineApi {
  /** Calls and streams under way that may take long: meanwhile nothing is said of the engine. */
  #long = 0;
  #overdue = 0;
  readonly #engine: EngineApi;
  readonly #onChange: (responds: boolean) => void;

  /** @param onChange told when the engine stops answering, and when it answers again or is gone */
  constructor(engine: EngineApi, onChange: (responds: boolean) => void) {
    this.#engine = engine;
    this.#onChange = onChange;
  }

  call<M extends MethodName>(
    method: M,
    params: EngineMethods[M]['params'],
    options: { signal?: AbortSignal } = {},
  ): Promise<EngineMethods[M]['result']> {
    const answer = this.#engine.call(method, params, options);
    if (QUICK.has(method)) void this.#await();
    else void this.#during(answer);
    return answer;
  }

  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<EngineStreams[S]['event']> {
    return this.#counted(this.#engine.stream(method, params, options));
  }

  async *#counted<E>(events: AsyncIterable<E>): AsyncGenerator<E, void, undefined> {
    this.#long++;
    try {
      yield* events;
    } finally {
      this.#long--;
    }
  }

  async #during(answer: Promise<unknown>): Promise<void> {
    this.#long++;
    // Whoever called hears of a failure.
    await answer.catch(() => undefined);
    this.#long--;
  }

  /** The engine answers in order, so a question of its own tells of a call too that is called off meanwhile. */
  async #await(): Promise<void> {
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = this.#long === 0;
      if (overdue && this.#overdue++ === 0) this.#onChange(false);
    }, UNANSWERED_MS);
    // A failure is an answer as well, or the engine is gone.
    await this.#engine.call('status', {}).catch(() => undefined);
    clearTimeout(timer);
    if (overdue && --this.#overdue === 0) this.#onChange(true);
  }
}
