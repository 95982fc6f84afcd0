import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { ExecutorName, LoadProgress, ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi, EngineStreams } from '../../../../src-main/protocol/engine/api.ts';
import { backendLost, cancelled, fromErrorPayload } from '../../../../src-main/protocol/errors.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';

/**
 * `starting`: until a model is loaded; `empty`: the model was unloaded; `lost`: stopped until `restart` is called.
 */
export type EnginePhase = 'starting' | 'ready' | 'empty' | 'lost';

/** A model and its context size. */
export type ModelChoice = EngineStreams['load']['params'];

/** After this many losses in a row without a reply, the model is not reloaded automatically. */
const MAX_LOSSES = 3;

interface Waiting {
  resolve(engine: EngineApi): void;
  reject(error: EngineError): void;
}

interface Loading {
  readonly choice: ModelChoice;
  readonly abort: AbortController;
}

/** The engine and its model, which is loaded at the start and whenever the engine restarts. */
export class EngineState {
  /** The loaded model, or the one that will be reloaded, or null. Kept while another one is loading. */
  model = $state.raw<ModelInfo | null>(null);
  /** Progress of the current load, or null. */
  progress = $state.raw<LoadProgress | null>(null);
  #loading = $state.raw<Loading | null>(null);
  /** The engine has loaded `model`. */
  #loaded = $state(false);
  /** Another window changes the model that all windows share. */
  #changingElsewhere = $state(false);
  /** Why the wanted model could not be loaded. */
  #failure = $state.raw<EngineError | null>(null);
  /** The model to load after a restart, or null. */
  #wanted = $state.raw<ModelChoice | null>(null);

  /** The model that could not be loaded at the start, and why; null if it was loaded or replaced. */
  startProblem = $state.raw<{ modelId: string; error: EngineError } | null>(null);

  /** Display name of a model. Default: the name in its file. */
  nameOf: (model: ModelInfo) => string = (model) => model.name;
  /** Display name of a model that is not loaded yet. */
  labelOf: (id: string) => string = () => 'the model';
  readonly #connection: Connection;
  /** The engine while its model is loaded and no other is loading. */
  #engine: EngineApi | null = null;
  /** How often the engine has lost its model since the last reply. */
  #losses = 0;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #waiting = new Set<Waiting>();

  /** The last model until it has been loaded once: it must not make a start fail. */
  #untried: ModelChoice | null;
  readonly #fallback: ModelChoice;

  /**
   * Loads the last model, unless the engine already has one.
   * @param modelId the model to load if there is no last one, or if loading it fails
   */
  constructor(connection: Connection, modelId: string, last: ModelChoice | null = null) {
    this.#connection = connection;
    this.#fallback = this.#orAutomatic({ modelId });
    this.#wanted = last === null ? this.#fallback : this.#orAutomatic(last);
    this.#untried = last?.modelId === modelId ? null : last;
    connection.onEngine((engine) => this.#changed(engine));
  }

  get status(): EnginePhase {
    if (this.#connection.engine !== 'ready') return this.#connection.engine;
    if (this.#loading !== null || this.#changingElsewhere) return 'starting';
    if (this.#loaded) return 'ready';
    if (this.#failure !== null) return 'lost';
    return this.#wanted === null ? 'empty' : 'starting';
  }

  /** Whether the engine is responding. If not, it hangs and `restart` helps. */
  get responds(): boolean {
    return this.#connection.responds;
  }

  /** What models can run on here, the default first. */
  get executors(): readonly ExecutorName[] {
    return this.#connection.executors;
  }

  /** What the model was to run on; null if the engine had it already. */
  get requested(): ModelChoice['executor'] | null {
    return this.#wanted?.executor ?? null;
  }

  /** Where there is a GPU, the engine chooses unless a person does. */
  #orAutomatic(choice: ModelChoice): ModelChoice {
    return this.executors.includes('webgpu') ? { executor: 'auto', ...choice } : choice;
  }

  /** The model that is being loaded, or null. */
  get loadingId(): string | null {
    return this.#loading?.choice.modelId ?? null;
  }

  /** The model that is being loaded, or will be when the engine has started, or null. */
  get comingId(): string | null {
    return this.loadingId ?? (this.status === 'starting' ? (this.#wanted?.modelId ?? null) : null);
  }

  /** Why the engine is not ready, as a message. */
  get message(): string | null {
    return this.#connection.message ?? this.#failure?.message ?? null;
  }

  /** Whether another window is loading or unloading the model that all windows share. */
  get changingElsewhere(): boolean {
    return this.#changingElsewhere;
  }

  /**
   * Another window begins to change the model that all windows share, or has done so: this one then has the same model.
   * Has no effect during this window's own load.
   */
  async follow(changing: boolean): Promise<void> {
    if (this.#loading !== null || this.#connection.engine !== 'ready') {
      if (!changing) this.#changingElsewhere = false;
      return;
    }
    if (changing) {
      this.#changingElsewhere = true;
      this.#engine = null;
      return;
    }
    const engine = this.#connection.client();
    try {
      const { model } = await engine.call('status', {});
      if (this.#loading !== null) return;
      this.#changingElsewhere = false;
      if (model === null) this.#unloaded();
      else this.#adopt(engine, model);
    } catch (thrown) {
      // The engine died meanwhile: the connection reports it.
      this.#changingElsewhere = false;
      this.#answer(({ reject }) => reject(EngineError.from(thrown)));
    }
  }

  /** The engine, if `ready` resolves at once; else null. */
  get current(): EngineApi | null {
    return this.#engine;
  }

  /**
   * The engine, when its model is loaded.
   * @throws EngineError BACKEND_LOST, CANCELLED, NO_MODEL, or why the model cannot be loaded
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
   * Replaces the loaded model. If loading fails, the old one is kept. Cancels a load in progress.
   * @throws EngineError CANCELLED, BACKEND_LOST, or why the model cannot be loaded
   */
  async load(choice: ModelChoice): Promise<void> {
    this.cancelLoad();
    try {
      await this.#load(this.#connection.client(), this.#orAutomatic(choice));
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (this.status === 'empty' || this.status === 'lost') this.#answer(({ reject }) => reject(error));
      throw error;
    }
  }

  /** The previous model, if any, is kept. */
  cancelLoad(): void {
    this.#loading?.abort.abort();
  }

  /** Unloads the model and frees its memory. @throws EngineError BACKEND_LOST */
  async unload(): Promise<void> {
    this.cancelLoad();
    const engine = this.#connection.client();
    this.#engine = null;
    await engine.call('unload', {});
    this.#unloaded();
  }

  #unloaded(): void {
    this.#loaded = false;
    this.#wanted = null;
    this.model = null;
    this.#answer(({ reject }) => reject(noModel()));
  }

  /** Ends the engine, even if it hangs, and starts a new one with the same model. */
  restart(): void {
    this.#connection.restart();
  }

  #changed(engine: EngineApi | null): void {
    this.#engine = null;
    this.#loading = null;
    this.#changingElsewhere = false;
    this.#loaded = false;
    this.#losses = 0;
    this.#failure = null;
    this.progress = null;
    if (engine !== null) void this.#begin(engine, this.#connection.ownsEngine);
    else if (this.#connection.engine === 'lost')
      this.#answer(({ reject }) => reject(backendLost(this.message ?? undefined)));
  }

  /**
   * Loads the model into a new engine. An engine that is older than this page may already have one.
   * @param isEmpty it has none: it need not be asked, and loads while this page is busy
   */
  async #begin(engine: EngineApi, isEmpty = false): Promise<void> {
    let began = false;
    try {
      const { model, busy } = isEmpty ? { model: null, busy: false } : await engine.call('status', {});
      // A load would wait for the reply of another window.
      if (model !== null && busy && this.#loading === null) return this.#adopt(engine, model);
      // The user has chosen a model in the meantime.
      if (this.#loading !== null) return;
      const choice = model === null ? this.#wanted : { modelId: model.id, contextSize: model.contextSize };
      began = true;
      if (choice !== null) await this.#load(engine, choice);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      // Cancelled in favour of another model.
      if (this.#loading !== null) return;
      // The engine died while loading: the connection starts a new one and reports it.
      const isGone = error.code === 'BACKEND_LOST' && !(await answers(engine));
      if (began && this.#fallBack(error)) return isGone ? undefined : await this.#begin(engine);
      if (isGone) return;
      if (error.code === 'CANCELLED') this.#wanted = null;
      else this.#failure = error;
      this.#answer(({ reject }) => reject(error));
    }
  }

  /** Falls back to the built-in model at the start. A crash counts, because the last model may have caused it. */
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
        const { keepLoaded: _, ...again } = choice;
        this.#take(event.model, again);
      }
    } finally {
      if (this.#loading === loading) {
        this.#loading = null;
        this.progress = null;
        if (this.#loaded) this.#ready(engine);
      }
    }
  }

  /** Uses the model that the engine already has. */
  #adopt(engine: EngineApi, model: ModelInfo): void {
    this.#take(model, { modelId: model.id });
    this.#ready(engine);
  }

  #take(model: ModelInfo, choice: ModelChoice): void {
    const name = this.nameOf(model);
    this.model = name === model.name ? model : { ...model, name };
    this.#wanted = { ...choice, contextSize: model.contextSize };
    this.#failure = null;
    this.#loaded = true;
    this.#untried = null;
  }

  #ready(engine: EngineApi): void {
    const ready = watched(engine, {
      lost: (error) => this.#lost(engine, ready, error),
      // If the engine restarts, the model stays where it works.
      moved: (model) => this.#take(model, { modelId: model.id, executor: model.executor }),
      wrote: () => (this.#losses = 0),
    });
    this.#engine = ready;
    this.#answer(({ resolve }) => resolve(ready));
  }

  /** The engine runs but cannot compute, for example after a thread crashed. Reloading the model helps. */
  #lost(engine: EngineApi, ready: EngineApi, error: EngineError): void {
    // Another load has started, or there is a new engine.
    if (this.#engine !== ready) return;
    this.#engine = null;
    this.#loaded = false;
    // The engine then avoids the GPU, and says why. It is tried again when a person chooses it.
    if (this.#wanted?.executor === 'webgpu') this.#wanted = { ...this.#wanted, executor: 'auto' };
    if (++this.#losses <= MAX_LOSSES) void this.#begin(engine);
    else this.#failure = error;
  }

  #answer(give: (waiting: Waiting) => void): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    all.forEach(give);
  }
}

/** Wraps an engine to report when it has lost or moved its model, and when a reply has ended. */
function watched(
  engine: EngineApi,
  on: { lost(error: EngineError): void; moved(model: ModelInfo): void; wrote(): void },
): EngineApi {
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
          const one = event.type === 'lane' ? event.event : event;
          if (one.type === 'moved') on.moved(one.model);
          else if (one.type === 'end') {
            if (one.stop.reason === 'error') failed(fromErrorPayload(one.stop.error));
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

/** Whether the engine is alive. */
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
