import { EngineError } from '../../../src-main/engine/errors.ts';
import type { LoadProgress, ModelInfo } from '../../../src-main/engine/types.ts';
import type { EngineApi } from '../../../src-main/protocol/api.ts';
import { backendLost, cancelled } from '../../../src-main/protocol/errors.ts';
import type { Connection } from '../../lib/connection.svelte.ts';

/** `starting`: until the model is loaded; `lost`: nothing happens any more until `restart`. */
export type EngineStatus = 'starting' | 'ready' | 'lost';

interface Waiting {
  resolve(engine: EngineApi): void;
  reject(error: EngineError): void;
}

/** The engine with its model: loaded at the start, and again whenever a fresh engine takes over. */
export class EngineState {
  /** Also while the engine is away: the model that is coming back. Null before the first load. */
  model = $state.raw<ModelInfo | null>(null);
  /** While the model is being read. */
  progress = $state.raw<LoadProgress | null>(null);
  #loaded = $state(false);
  /** Why the model could not be loaded. */
  #failure = $state.raw<EngineError | null>(null);

  readonly #connection: Connection;
  readonly #modelId: string;
  /** Has its model. */
  #engine: EngineApi | null = null;
  // Nothing on screen depends on it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #waiting = new Set<Waiting>();

  constructor(connection: Connection, modelId: string) {
    this.#connection = connection;
    this.#modelId = modelId;
    connection.onEngine((engine) => this.#changed(engine));
  }

  get status(): EngineStatus {
    if (this.#connection.engine !== 'ready') return this.#connection.engine;
    if (this.#loaded) return 'ready';
    return this.#failure === null ? 'starting' : 'lost';
  }

  /** Why the engine is not ready, in words for a person. */
  get message(): string | null {
    return this.#connection.message ?? this.#failure?.message ?? null;
  }

  /** The engine, once it has its model. @throws EngineError BACKEND_LOST, CANCELLED, or why the model cannot be read */
  ready(signal?: AbortSignal): Promise<EngineApi> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (this.#engine !== null) return Promise.resolve(this.#engine);
    if (this.status === 'lost') return Promise.reject(this.#failure ?? backendLost(this.message ?? undefined));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', () => {
        if (this.#waiting.delete(waiting)) reject(cancelled());
      });
    });
  }

  /** Ends the engine, also one that hangs, and starts a fresh one with the same model. */
  restart(): void {
    this.#connection.restart();
  }

  #changed(engine: EngineApi | null): void {
    this.#engine = null;
    this.#loaded = false;
    this.#failure = null;
    this.progress = null;
    if (engine !== null) void this.#load(engine);
    else if (this.#connection.engine === 'lost')
      this.#answer(({ reject }) => reject(backendLost(this.message ?? undefined)));
  }

  async #load(engine: EngineApi): Promise<void> {
    try {
      for await (const event of engine.stream('load', { modelId: this.#modelId })) {
        if (event.type === 'progress') {
          this.progress = event.progress;
          continue;
        }
        this.progress = null;
        this.model = event.model;
        this.#engine = engine;
        this.#loaded = true;
        this.#answer(({ resolve }) => resolve(engine));
      }
    } catch (thrown) {
      const error = EngineError.from(thrown);
      // Lost while loading: the connection starts a fresh engine and says so.
      if (error.code === 'BACKEND_LOST') return;
      this.progress = null;
      this.#failure = error;
      this.#answer(({ reject }) => reject(error));
    }
  }

  #answer(give: (waiting: Waiting) => void): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    all.forEach(give);
  }
}
