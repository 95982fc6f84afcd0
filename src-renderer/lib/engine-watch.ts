import type {
  EngineApi,
  EngineMethods,
  EngineStreams,
  MethodName,
  StreamName,
} from '../../src-main/protocol/engine/api.ts';

/** An engine that has not answered such a call after this time, ms, hangs. Most are answered within 100 ms. */
export const UNANSWERED_MS = 5000;

/** Calls that an idle engine answers at once. */
const QUICK: ReadonlySet<MethodName> = new Set([
  'status',
  'tokenize',
  'detokenize',
  'renderChat',
  'checkGrammar',
  'stopLane',
]);

/** Watches whether an engine still answers. */
export class EngineWatch implements EngineApi {
  /** Number of long calls and streams in progress, during which the watch is suspended. */
  #long = 0;
  #overdue = 0;
  readonly #engine: EngineApi;
  readonly #onChange: (responds: boolean) => void;

  /** @param onChange called when the engine stops responding, and when it responds again or is gone */
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
    // The caller handles a failure.
    await answer.catch(() => undefined);
    this.#long--;
  }

  /** The engine answers in order, so a call of the watch's own also covers calls that are cancelled. */
  async #await(): Promise<void> {
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = this.#long === 0;
      if (overdue && this.#overdue++ === 0) this.#onChange(false);
    }, UNANSWERED_MS);
    // An error is an answer too, or the engine is gone.
    await this.#engine.call('status', {}).catch(() => undefined);
    clearTimeout(timer);
    if (overdue && --this.#overdue === 0) this.#onChange(true);
  }
}
