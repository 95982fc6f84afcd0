/** One engine, shared by every connection to it: what each request of the protocol asks of the engine. */
import type { InferenceEngine, LoadOptions } from '../../engine/index.ts';
import type { CancelToken, ModelFiles } from '../../engine/api/platform.ts';
import type { ModelInfo } from '../../engine/api/types.ts';
import type { EngineMethods, EngineStreams, MethodName, StreamName } from './api.ts';
import { InsideClients } from './inside-clients.ts';
import { LaneStops } from './lane-stops.ts';
import { ModelHashes } from './model-hashes.ts';
import type { CheckedCall, CheckedStream } from './schemas.ts';
import { newSha256, type Hash } from '../sha256.ts';

/** The part of the engine that the service needs. It processes one request at a time. */
export type ServedEngine = Pick<
  InferenceEngine,
  | 'busy'
  | 'computedTokens'
  | 'model'
  | 'files'
  | 'load'
  | 'describe'
  | 'unload'
  | 'tokenize'
  | 'detokenize'
  | 'renderChat'
  | 'checkGrammar'
  | 'generate'
  | 'generateLanes'
  | 'score'
  | 'inspect'
  | 'inside'
  | 'releaseInside'
  | 'prefixCacheSize'
  | 'clearPrefixCache'
  | 'preview'
  | 'profile'
>;

export interface EngineServiceOptions {
  engine: ServedEngine;
  /** @throws EngineError MODEL_NOT_FOUND when this host has no model with that id. */
  openModel(id: string): Promise<ModelFiles>;
  /** The engine began (`changing`) or finished loading or unloading a model. Other clients then ask for the engine's status. */
  onModel?(changing: boolean): void;
  /** The host's own SHA-256; by default one in TypeScript. */
  newSha256?(): Hash;
}

type StreamEvent = EngineStreams[StreamName]['event'];

/** Receives an event. If it returns a promise, nothing more is produced before it resolves. */
export type Emit = (event: StreamEvent) => Promise<void> | null;

export class EngineService {
  readonly #engine: ServedEngine;
  readonly #openModel: (id: string) => Promise<ModelFiles>;
  readonly #hashes: ModelHashes;
  readonly #laneStops = new LaneStops();
  readonly #insideClients: InsideClients;
  readonly #onModel: (changing: boolean) => void;
  /** Loads and unloads that are running or waiting. */
  #changes = 0;

  constructor(options: EngineServiceOptions) {
    this.#engine = options.engine;
    this.#insideClients = new InsideClients(options.engine);
    this.#openModel = options.openModel;
    this.#onModel = (changing) => options.onModel?.(changing);
    this.#hashes = new ModelHashes(options.openModel, options.newSha256 ?? newSha256);
  }

  /** @param client who asks: what it looks at inside is freed when it leaves */
  async call(
    call: CheckedCall,
    cancel: CancelToken,
    client: object = this,
  ): Promise<EngineMethods[MethodName]['result']> {
    const engine = this.#engine;
    switch (call.method) {
      case 'status':
        return { model: engine.model, busy: engine.busy, computedTokens: engine.computedTokens };
      case 'tokenize':
        return engine.tokenize(call.params);
      case 'detokenize':
        return engine.detokenize(call.params.ids, call.params.skipSpecial);
      case 'renderChat':
        return engine.renderChat(call.params);
      case 'checkGrammar':
        return { problem: engine.checkGrammar(call.params.grammar) };
      case 'stopLane':
        return { stopped: this.#laneStops.stop(call.params.key, call.params.lane) };
      case 'describe':
        return engine.describe(await this.#openModel(call.params.modelId));
      case 'hashModel':
        return { files: await this.#hashes.of(engine, cancel) };
      case 'unload':
        await this.#change(() => engine.unload(cancel));
        return null;
      case 'score':
        return engine.score(call.params, cancel);
      case 'inspect':
        return engine.inspect(call.params, cancel);
      case 'releaseInside':
        return { bytes: await this.#insideClients.release(client, call.params.only) };
      case 'prefixCacheSize':
        return { size: await engine.prefixCacheSize() };
      case 'clearPrefixCache':
        await engine.clearPrefixCache(call.params.chat);
        return null;
      case 'preview':
        return engine.preview(call.params, cancel);
      case 'profile':
        return engine.profile(call.params, cancel);
    }
  }

  /**
   * Runs a stream to its end. `emit` may be called until the promise settles.
   * @param client as in `call`
   */
  async stream(stream: CheckedStream, cancel: CancelToken, emit: Emit, client: object = this): Promise<void> {
    switch (stream.method) {
      case 'load': {
        const load = () => this.#load(stream.params, cancel, emit);
        if (stream.params.beside) this.#insideClients.loadsBeside(client, stream.params.modelId);
        // The loaded model stays while another one is loaded beside it.
        const model = await (stream.params.beside ? load() : this.#change(load));
        // Progress is small, so it does not wait for credit.
        void emit({ type: 'loaded', model });
        return;
      }
      case 'generate':
        return emitAll(this.#engine.generate(stream.params, cancel), (event) => {
          if (event.type === 'moved') this.#tellMoved();
          return emit(event);
        });
      case 'compare':
        return this.#compare(stream.params, cancel, emit);
      case 'inside': {
        this.#insideClients.asks(client);
        const onProgress = (fraction: number) => void emit({ type: 'progress', fraction });
        const answer = await this.#engine.inside(stream.params, cancel, onProgress);
        void emit({ type: 'answer', answer });
      }
    }
  }

  /** A client is gone. */
  left(client: object): void {
    this.#insideClients.left(client);
  }

  async #compare({ key, lanes }: EngineStreams['compare']['params'], cancel: CancelToken, emit: Emit): Promise<void> {
    const stops = this.#laneStops.open(key, lanes.length);
    try {
      const requests = lanes.map((params, lane) => ({ params, cancel: stops[lane] }));
      let hasMoved = false;
      await emitAll(this.#engine.generateLanes(requests, cancel), (event) => {
        if (!hasMoved && event.type === 'lane' && event.event.type === 'moved') {
          hasMoved = true;
          this.#tellMoved();
        }
        return emit(event);
      });
    } finally {
      this.#laneStops.close(key);
    }
  }

  /** Other clients have the model on its new executor, too. */
  #tellMoved(): void {
    void this.#change(() => Promise.resolve());
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    if (this.#changes++ === 0) this.#onModel(true);
    try {
      return await work();
    } finally {
      if (--this.#changes === 0) this.#onModel(false);
    }
  }

  /**
   * Loads a model, unless it is already loaded and its files are unchanged, so that a page that reloads is ready at once.
   */
  #load({ modelId, ...wanted }: EngineStreams['load']['params'], cancel: CancelToken, emit: Emit): Promise<ModelInfo> {
    const unless: LoadOptions['unless'] = async (present, stamp) =>
      present.id === modelId && isAsWanted(present, wanted) && (await this.#isCurrent(modelId, stamp));
    const onProgress: LoadOptions['onProgress'] = (progress) => void emit({ type: 'progress', progress });
    return this.#engine.load(() => this.#openModel(modelId), { ...wanted, onProgress, cancel, unless });
  }

  /** Whether the files still have that stamp. Missing files are no reason to drop the model in memory. */
  async #isCurrent(modelId: string, stamp: string | undefined): Promise<boolean> {
    try {
      return (await this.#openModel(modelId)).stamp === stamp;
    } catch {
      return true;
    }
  }
}

async function emitAll(events: AsyncIterable<StreamEvent>, emit: Emit): Promise<void> {
  for await (const event of events) {
    const room = emit(event);
    if (room !== null) await room;
  }
}

function isAsWanted(present: ModelInfo, wanted: Omit<EngineStreams['load']['params'], 'modelId'>): boolean {
  const { contextSize = present.contextSize, executor = present.executor, threads } = wanted;
  const presentType = present.kernels?.kvCacheType;
  const { kvCacheType = presentType } = wanted;
  return (
    present.contextSize === contextSize &&
    (executor === 'auto' ? present.choice !== undefined : present.executor === executor) &&
    presentType === kvCacheType &&
    threads === undefined
  );
}
