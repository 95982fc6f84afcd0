import { EngineError } from '../../../../src-main/engine/errors.ts';
import type { LoadProgress, ModelInfo } from '../../../../src-main/engine/types.ts';
import type { EngineApi, EngineStreams } from '../../../../src-main/protocol/api.ts';
import { backendLost, cancelled, fromErrorPayload } from '../../../../src-main/protocol/errors.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';

/**
 * `starting`: until a model is loaded; `empty`: no model, because a person took it out; `lost`: nothing happens any more
 * until `restart`.
 */
export type EnginePhase = 'starting' | 'ready' | 'empty' | 'lost';

/** Which model, and for how many tokens of prompt and reply. */
export type ModelChoice = EngineStreams['load']['params'];

/** A model that is lost again and again, without a reply between, is not loaded again automatically. */
const MAX_LOSSES = 3;

interface Waiting {
  resolve(engine: EngineApi): void;
  reject(error: EngineError): void;
}

interface Loading {
  readonly choice: ModelChoice;
  readonly abort: AbortController;
}

/** The engine with its model: loaded at the start, and again whenever a fresh engine takes over. */
export class EngineState {
  /** Also while the engine is away or reads another one: the model that is there or coming back. Null: none. */
  model = $state.raw<ModelInfo | null>(null);
  /** While a model is being read. */
  progress = $state.raw<LoadProgress | null>(null);
  #loading = $state.raw<Loading | null>(null);
  /** The engine has `model`. */
  #loaded = $state(false);
  /** Why the model could not be loaded that should be there. */
  #failure = $state.raw<EngineError | null>(null);
  /** The model that a fresh engine is to have; null: none. */
  #wanted = $state.raw<ModelChoice | null>(null);

  /** The model that should have been loaded at the start, and why it was not; null: it was, or another was chosen. */
  startProblem = $state.raw<{ modelId: string; error: EngineError } | null>(null);

  /** What people call a model; left out, what its file says. */
  nameOf: (model: ModelInfo) => string = (model) => model.name;
  /** What people call a model that is not loaded yet. */
  labelOf: (id: string) => string = () => 'the model';
  readonly #connection: Connection;
  /** Has its model and reads no other. */
  #engine: EngineApi | null = null;
  /** How often the engine has lost its model since it last wrote a reply. */
  #losses = 0;
  // Nothing on screen depends on it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #waiting = new Set<Waiting>();

  /** The model of the last time, until it was loaded once: a start must not fail because of it. */
  #untried: ModelChoice | null;
  readonly #fallback: ModelChoice;

  /**
   * Begins with the model of the last time, unless the engine has one already.
   * @param modelId the model to begin with when there is no last one, or when it cannot be loaded
   */
  constructor(connection: Connection, modelId: string, last: ModelChoice | null = null) {
    this.#connection = connection;
    this.#fallback = { modelId };
    this.#wanted = last ?? this.#fallback;
    this.#untried = last?.modelId === modelId ? null : last;
    connection.onEngine((engine) => this.#changed(engine));
  }

  get status(): EnginePhase {
    if (this.#connection.engine !== 'ready') return this.#connection.engine;
    if (this.#loading !== null) return 'starting';
    if (this.#loaded) return 'ready';
    if (this.#failure !== null) return 'lost';
    return this.#wanted === null ? 'empty' : 'starting';
  }

  /** Whether the engine answers; false: it hangs, and `restart` is the way out. */
  get responds(): boolean {
    return this.#connection.responds;
  }

  /** The model that is being read; null while none is. */
  get loadingId(): string | null {
    return this.#loading?.choice.modelId ?? null;
  }

  /** The model that is being read, or will be as soon as there is an engine; null: none. */
  get comingId(): string | null {
    return this.loadingId ?? (this.status === 'starting' ? (this.#wanted?.modelId ?? null) : null);
  }

  /** Why the engine is not ready, in words for a person. */
  get message(): string | null {
    return this.#connection.message ?? this.#failure?.message ?? null;
  }

  /**
   * The engine, once it has its model.
   * @throws EngineError BACKEND_LOST, CANCELLED, NO_MODEL, or why the model cannot be read
   */
  ready(signal?: AbortSignal): Promise<EngineApi> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (this.#engine !== null) return Promise.resolve(this.#engine);
    if (this.status === 'empty') return Promise.reject(noModel());
    if (this.status === 'lost') return Promise.reject(this.#failure ?? backendLost(this.message ?? undefined));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', () => {
        if (this.#waiting.delete(waiting)) reject(cancelled());
      });
    });
  }

  /**
   * Loads a model in place of the present one, which stays when that fails. A load that is under way is cancelled.
   * @throws EngineError CANCELLED, BACKEND_LOST, or why the model cannot be loaded
   */
  async load(choice: ModelChoice): Promise<void> {
    this.cancelLoad();
    try {
      await this.#load(this.#connection.client(), choice);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (this.status === 'empty' || this.status === 'lost') this.#answer(({ reject }) => reject(error));
      throw error;
    }
  }

  /** The model that was there before, if any, stays. */
  cancelLoad(): void {
    this.#loading?.abort.abort();
  }

  /** Gives the model's memory back. @throws EngineError BACKEND_LOST */
  async unload(): Promise<void> {
    this.cancelLoad();
    const engine = this.#connection.client();
    this.#engine = null;
    await engine.call('unload', {});
    this.#loaded = false;
    this.#wanted = null;
    this.model = null;
    this.#answer(({ reject }) => reject(noModel()));
  }

  /** Ends the engine, also one that hangs, and starts a fresh one with the same model. */
  restart(): void {
    this.#connection.restart();
  }

  #changed(engine: EngineApi | null): void {
    this.#engine = null;
    this.#loading = null;
    this.#loaded = false;
    this.#losses = 0;
    this.#failure = null;
    this.progress = null;
    if (engine !== null) void this.#begin(engine);
    else if (this.#connection.engine === 'lost')
      this.#answer(({ reject }) => reject(backendLost(this.message ?? undefined)));
  }

  /** Gives a fresh engine its model. One that is older than this page may have another one already. */
  async #begin(engine: EngineApi): Promise<void> {
    let began = false;
    try {
      const { model } = await engine.call('status', {});
      // A person was quicker.
      if (this.#loading !== null) return;
      const choice = model === null ? this.#wanted : { modelId: model.id, contextSize: model.contextSize };
      began = true;
      if (choice !== null) await this.#load(engine, choice);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      // Cancelled: another model took its place.
      if (this.#loading !== null) return;
      // Lost while loading: the connection starts a fresh engine and says so.
      const isGone = error.code === 'BACKEND_LOST' && !(await answers(engine));
      if (began && this.#fallBack(error)) return isGone ? undefined : await this.#begin(engine);
      if (isGone) return;
      if (error.code === 'CANCELLED') this.#wanted = null;
      else this.#failure = error;
      this.#answer(({ reject }) => reject(error));
    }
  }

  /** A start gives up the model of the last time. A lost engine counts: that model may be what ended it. */
  #fallBack(error: EngineError): boolean {
    const failed = this.#untried;
    if (failed === null || this.#loading !== null || error.code === 'CANCELLED') return false;
    this.#untried = null;
    this.#wanted = this.#fallback;
    this.startProblem = { modelId: failed.modelId, error };
    return true;
  }

  async #load(engine: EngineApi, choice: ModelChoice): Promise<void> {
    if (choice.modelId !== this.#untried?.modelId) this.#untried = null;
    const loading: Loading = { choice, abort: new AbortController() };
    this.#loading = loading;
    this.#engine = null;
    this.progress = null;
    try {
      for await (const event of engine.stream('load', choice, { signal: loading.abort.signal })) {
        if (this.#loading !== loading) continue;
        if (event.type === 'progress') {
          this.progress = event.progress;
          continue;
        }
        const name = this.nameOf(event.model);
        this.model = name === event.model.name ? event.model : { ...event.model, name };
        this.#wanted = { ...choice, contextSize: event.model.contextSize };
        this.#failure = null;
        this.#loaded = true;
        this.#untried = null;
      }
    } finally {
      if (this.#loading === loading) {
        this.#loading = null;
        this.progress = null;
        if (this.#loaded) {
          const ready = watched(engine, {
            lost: (error) => this.#lost(engine, ready, error),
            wrote: () => (this.#losses = 0),
          });
          this.#engine = ready;
          this.#answer(({ resolve }) => resolve(ready));
        }
      }
    }
  }

  /** The engine is there and cannot compute any more, as when a thread of it is gone: loading its model again helps. */
  #lost(engine: EngineApi, ready: EngineApi, error: EngineError): void {
    // Another load has begun meanwhile, or a fresh engine is there.
    if (this.#engine !== ready) return;
    this.#engine = null;
    this.#loaded = false;
    if (++this.#losses <= MAX_LOSSES) void this.#begin(engine);
    else this.#failure = error;
  }

  #answer(give: (waiting: Waiting) => void): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    all.forEach(give);
  }
}

/** An engine that says when it has turned out to have lost its model, and when it has written a reply. */
function watched(engine: EngineApi, on: { lost(error: EngineError): void; wrote(): void }): EngineApi {
  const failed = (thrown: unknown) => {
    const error = EngineError.from(thrown);
    if (error.code === 'BACKEND_LOST' || error.code === 'NO_MODEL') on.lost(error);
    return error;
  };
  return {
    async call(method, params, options) {
      try {
        return await engine.call(method, params, options);
      } catch (thrown) {
        throw failed(thrown);
      }
    },
    async *stream(method, params, options) {
      try {
        for await (const event of engine.stream(method, params, options)) {
          if (event.type === 'end') {
            if (event.stop.reason === 'error') failed(fromErrorPayload(event.stop.error));
            else on.wrote();
          }
          yield event;
        }
      } catch (thrown) {
        throw failed(thrown);
      }
    },
  };
}

/** Whether there is an engine at the other end. */
async function answers(engine: EngineApi): Promise<boolean> {
  try {
    await engine.call('status', {});
    return true;
  } catch (thrown) {
    return EngineError.from(thrown).code !== 'BACKEND_LOST';
  }
}

function noModel(): EngineError {
  return new EngineError('NO_MODEL', 'No model is loaded. Load one on the Models page.');
}
