/** One engine, shared by every connection to it: takes turns where the engine can do one thing at a time. */
import type { ModelDescription } from '../engine/model-description.ts';
import type { CancelToken, ModelFiles } from '../engine/platform.ts';
import type {
  Detokenized,
  ExecutorName,
  GenerateEvent,
  GenerateParams,
  GrammarSource,
  InspectParams,
  Inspection,
  KvCacheType,
  LoadProgress,
  ModelInfo,
  Profile,
  ProfileParams,
  RenderChatParams,
  RenderedChat,
  SamplingPreview,
  Score,
  ScoreParams,
  SourceProblem,
  TokenizeParams,
  Tokenized,
} from '../engine/types.ts';
import type { EngineMethods, EngineStreams, MethodName, StreamName } from './api.ts';
import { cancelled } from './errors.ts';
import type { CheckedCall, CheckedStream } from './schemas.ts';

/** What the service needs of `InferenceEngine`. */
export interface Engine {
  readonly model: ModelInfo | null;
  load(
    files: ModelFiles,
    options: {
      onProgress?: (progress: LoadProgress) => void;
      cancel?: CancelToken;
      contextSize?: number;
      executor?: ExecutorName;
      threads?: number;
      kvCacheType?: KvCacheType;
    },
  ): Promise<ModelInfo>;
  describe(files: ModelFiles): Promise<ModelDescription>;
  unload(): Promise<void>;
  tokenize(params: TokenizeParams): Tokenized;
  detokenize(ids: number[], skipSpecial: boolean): Detokenized;
  renderChat(params: RenderChatParams): RenderedChat;
  checkGrammar(grammar: GrammarSource): SourceProblem | null;
  generate(params: GenerateParams, cancel?: CancelToken): AsyncGenerator<GenerateEvent>;
  score(params: ScoreParams, cancel?: CancelToken): Promise<Score>;
  inspect(params: InspectParams, cancel?: CancelToken): Promise<Inspection>;
  preview(params: InspectParams, cancel?: CancelToken): Promise<SamplingPreview>;
  profile(params: ProfileParams, cancel?: CancelToken): Promise<Profile>;
}

/** One request as the service sees it. */
export interface Request {
  readonly cancel: CancelToken;
  /** Aborts when the cancel message arrives; ends the wait for a turn. */
  readonly signal: AbortSignal;
}

export interface EngineServiceOptions {
  engine: Engine;
  /** @throws EngineError MODEL_NOT_FOUND when this host has no model of that id. */
  openModel(id: string): Promise<ModelFiles>;
}

type StreamEvent = EngineStreams[StreamName]['event'];

export class EngineService {
  readonly #engine: Engine;
  readonly #openModel: (id: string) => Promise<ModelFiles>;
  /** Resolves when the request before has finished. */
  #turn: Promise<void> = Promise.resolve();
  #busy = 0;
  /** Of the files that the model in memory was read from. */
  #stamp: string | undefined;

  constructor(options: EngineServiceOptions) {
    this.#engine = options.engine;
    this.#openModel = options.openModel;
  }

  async call(call: CheckedCall, request: Request): Promise<EngineMethods[MethodName]['result']> {
    switch (call.method) {
      case 'status':
        return { model: this.#engine.model, busy: this.#busy > 0 };
      case 'tokenize':
        return this.#engine.tokenize(call.params);
      case 'detokenize':
        return this.#engine.detokenize(call.params.ids, call.params.skipSpecial);
      case 'renderChat':
        return this.#engine.renderChat(call.params);
      case 'checkGrammar':
        return { problem: this.#engine.checkGrammar(call.params.grammar) };
      case 'describe':
        return this.#engine.describe(await this.#openModel(call.params.modelId));
      case 'unload':
        return this.#inTurn(request, async () => {
          await this.#engine.unload();
          return null;
        });
      case 'score':
        return this.#inTurn(request, () => this.#engine.score(call.params, request.cancel));
      case 'inspect':
        return this.#inTurn(request, () => this.#engine.inspect(call.params, request.cancel));
      case 'preview':
        return this.#inTurn(request, () => this.#engine.preview(call.params, request.cancel));
      case 'profile':
        return this.#inTurn(request, () => this.#engine.profile(call.params, request.cancel));
    }
  }

  /** Runs a stream to its end. `emit` may be called until the promise settles. */
  stream(stream: CheckedStream, request: Request, emit: (event: StreamEvent) => void): Promise<void> {
    return this.#inTurn(request, async () => {
      if (stream.method === 'load') return this.#load(stream.params, request, emit);
      for await (const event of this.#engine.generate(stream.params, request.cancel)) emit(event);
    });
  }

  /**
   * A model that is loaded already is not read again, so a page that reloads is ready at once; unless its files are others
   * now.
   */
  async #load(
    { modelId, ...wanted }: EngineStreams['load']['params'],
    { cancel }: Request,
    emit: (event: StreamEvent) => void,
  ): Promise<void> {
    const loaded = this.#engine.model;
    const { contextSize = loaded?.contextSize, executor = loaded?.executor } = wanted;
    const { kvCacheType = loaded?.kernels?.kvCacheType } = wanted;
    const asWanted =
      loaded?.contextSize === contextSize &&
      loaded?.executor === executor &&
      loaded?.kernels?.kvCacheType === kvCacheType;
    if (loaded?.id === modelId && asWanted && wanted.threads === undefined && (await this.#isCurrent(modelId)))
      return emit({ type: 'loaded', model: loaded });
    const files = await this.#openModel(modelId);
    const onProgress = (progress: LoadProgress) => emit({ type: 'progress', progress });
    const options = { onProgress, cancel, ...wanted };
    const model = await this.#engine.load(files, options);
    this.#stamp = files.stamp;
    emit({ type: 'loaded', model });
  }

  /** Whether the files are those that the model in memory was read from. Files that are gone are no reason to give it up. */
  async #isCurrent(modelId: string): Promise<boolean> {
    try {
      return (await this.#openModel(modelId)).stamp === this.#stamp;
    } catch {
      return true;
    }
  }

  /** @throws EngineError CANCELLED at once when the request is cancelled while it waits. */
  async #inTurn<T>({ signal, cancel }: Request, work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let done: () => void = () => undefined;
    const own = new Promise<void>((resolve) => (done = resolve));
    this.#turn = before.then(() => own);
    this.#busy++;
    try {
      await unlessAborted(before, signal);
      if (cancel.cancelled) throw cancelled();
      return await work();
    } finally {
      this.#busy--;
      done();
    }
  }
}

function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled());
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void wait.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
