/** The engine as hosts use it: a model, and requests to it one after the other. */
import { EngineError } from './api/errors.ts';
import { createReferenceExecutor } from './executors/reference/reference-executor.ts';
import type { Executor } from './executors/executor.ts';
import { MAX_MEMORY_BYTES } from './executors/wasm/kernel-memory.ts';
import { createWasmExecutor, threadsFor, wasmMemoryOf } from './executors/wasm/wasm-executor.ts';
import { ContextWindow } from './generation/context-window.ts';
import { generateLanes } from './generation/generate-lanes.ts';
import { generate, type GenerateJob } from './generation/generate.ts';
import { inspect } from './generation/inspect.ts';
import { preview } from './generation/preview.ts';
import { profile } from './generation/profile.ts';
import { readPrompt, renderChat } from './generation/prompt.ts';
import { RequestQueue } from './generation/request-queue.ts';
import { score } from './generation/score.ts';
import { checkGrammar } from './grammar/compile-grammar.ts';
import { KvCache } from './kv-cache/kv-cache.ts';
import type { ModelDescription } from './api/model-description.ts';
import { describeModel as describeHeaders } from './models/describe-model.ts';
import { engineOverhead } from './models/memory-estimate.ts';
import type { Model } from './models/model.ts';
import { openModel, type OpenModelOptions } from './models/open-model.ts';
import type { CancelToken, ModelFiles, Platform } from './api/platform.ts';
import { packTokens } from './tokenizer/pack-tokens.ts';
import type {
  Detokenized,
  ExecutorName,
  GenerateEvent,
  GenerateParams,
  GrammarSource,
  InspectParams,
  Inspection,
  KvCacheType,
  LanesEvent,
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
} from './api/types.ts';
import {
  validateGenerateParams,
  validateIds,
  validateInspectParams,
  validateProfileParams,
  validateRenderChatParams,
  validateScoreParams,
} from './validate.ts';

export * from './api/defaults.ts';
export * from './api/errors.ts';
export * from './api/platform.ts';
export * from './api/types.ts';
export type { MemoryAt, ModelDescription } from './api/model-description.ts';
export { openTokenizer } from './models/open-tokenizer.ts';
export {
  type Quantized,
  quantizeModel,
  type QuantizeOptions,
  type QuantizeProgress,
} from './quantize/quantize-model.ts';
export { TARGET_TYPES } from './quantize/storage-plan.ts';
export type { Tokenizer } from './tokenizer/tokenizer.ts';

interface Loaded {
  readonly model: Model;
  readonly executor: Executor;
  readonly context: ContextWindow;
  readonly loadMs: number;
  /** Of the files it was read from. */
  readonly stamp: string | undefined;
  /** The first reply reports how long loading took, the others that it took nothing. */
  loadReported: boolean;
}

export interface LoadOptions {
  onProgress?: (progress: LoadProgress) => void;
  cancel?: CancelToken;
  /**
   * Asked when the load's turn has come: whether the model in memory will do, so that nothing is read.
   * @param stamp of the files that it was read from
   */
  unless?: (present: ModelInfo, stamp: string | undefined) => Promise<boolean>;
  /**
   * Tokens of prompt and reply together, from 1 to what the model was trained for; bounds the memory of K and V. Left
   * out, what the model was trained for, at most 4096.
   */
  contextSize?: number;
  /** What computes the model. Default `wasm`, where the host has its kernels. */
  executor?: ExecutorName;
  /** Threads of the `wasm` executor, from 1; left out, as many as measurably help. */
  threads?: number;
  /** How the `wasm` executor stores K and V; left out, as float32 where all weights are, else as binary16. */
  kvCacheType?: KvCacheType;
}

/**
 * Holds one model and serves one request at a time; further ones wait in line. Every request may be cancelled by its
 * token, also while it waits: it then fails with CANCELLED.
 */
export class InferenceEngine {
  private readonly queue = new RequestQueue();
  private loaded: Loaded | null = null;

  constructor(private readonly platform: Platform) {}

  /** Whether a request is running or waiting. */
  get busy(): boolean {
    return this.queue.busy;
  }

  /** The loaded model with what it occupies now; null also when its executor failed, so that it must be loaded again. */
  get model(): ModelInfo | null {
    return this.loaded === null || this.loaded.executor.failed ? null : describe(this.loaded);
  }

  /**
   * Loads a model in place of the present one, which stays when loading fails.
   * @param files or what finds them when the load's turn has come
   * @throws EngineError MODEL_*, UNSUPPORTED_*, OUT_OF_MEMORY, CANCELLED
   */
  async load(files: ModelFiles | (() => Promise<ModelFiles>), options: LoadOptions = {}): Promise<ModelInfo> {
    const { unless, cancel } = options;
    return this.queue.run(async () => {
      const present = this.model;
      if (present !== null && (await unless?.(present, this.loaded?.stamp))) return present;
      const found = typeof files === 'function' ? await files() : files;
      // There is nothing to go back to, and its memory is wanted.
      if (this.loaded?.executor.failed) await this.dispose();
      try {
        const loaded = await this.open(found, options);
        await this.dispose();
        this.loaded = loaded;
        return describe(loaded);
      } catch (error) {
        // What was read of the model has no other owner, and may be gigabytes.
        this.platform.collectGarbage?.();
        throw error;
      }
    }, cancel);
  }

  private async open(files: ModelFiles, options: LoadOptions): Promise<Loaded> {
    const { clock, log } = this.platform;
    const startedAt = clock.now();
    const onWarning = (message: string) => log.warn(message);
    const wanted = options.executor ?? (this.platform.compileKernels ? 'wasm' : 'reference');
    const { model, executor } = await (wanted === 'wasm'
      ? this.openForKernels(files, { ...options, onWarning })
      : openForReference(files, { ...options, onWarning }));
    const cache = new KvCache(model.config.contextSize);
    const context = new ContextWindow(executor, cache);
    const loadMs = clock.now() - startedAt;
    return { model, executor, context, loadMs, stamp: files.stamp, loadReported: false };
  }

  /**
   * What a model is and what it needs, from its headers. Loads nothing and waits for nothing.
   * @throws EngineError MODEL_*, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER
   */
  describe(files: ModelFiles): Promise<ModelDescription> {
    if (!this.platform.compileKernels) return describeHeaders(files);
    return describeModel(files, this.platform.threads?.available);
  }

  /** Frees the model. Does nothing when there is none. @throws EngineError CANCELLED */
  async unload(cancel?: CancelToken): Promise<void> {
    await this.queue.run(() => this.dispose(), cancel);
  }

  /** @throws EngineError NO_MODEL */
  tokenize({ text, addBos, parseSpecial }: TokenizeParams): Tokenized {
    return packTokens(this.require().model.tokenizer.encodePieces(text, { addSpecial: addBos, parseSpecial }));
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST for an id outside the vocabulary */
  detokenize(ids: readonly number[], skipSpecial: boolean): Detokenized {
    const { model } = this.require();
    validateIds('ids', ids, model.config);
    const { tokenizer } = model;
    return { text: tokenizer.decode(ids, skipSpecial), pieces: ids.map((id) => tokenizer.piece(id)) };
  }

  /**
   * The text and ids that a chat becomes, also when they are more than the context window holds.
   * @throws EngineError NO_MODEL, BAD_REQUEST, CHAT_TEMPLATE
   */
  renderChat(params: RenderChatParams): RenderedChat {
    const { model } = this.require();
    validateRenderChatParams(params, model.config);
    return renderChat(params, model);
  }

  /** What is wrong with a grammar or JSON schema, and where; null when a reply can follow it. Needs no model. */
  checkGrammar(grammar: GrammarSource): SourceProblem | null {
    return checkGrammar(grammar);
  }

  /**
   * Writes a reply. Leaving the loop early ends the request.
   * @throws EngineError before the `start` event: NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED. Later failures are
   * `end` events.
   */
  async *generate(params: GenerateParams, cancel?: CancelToken): AsyncGenerator<GenerateEvent, void, undefined> {
    const leave = await this.queue.enter(cancel);
    try {
      const loaded = this.require();
      validateGenerateParams(params, loaded.model.config);
      yield* generate(this.job(loaded, params, cancel));
    } finally {
      leave();
    }
  }

  /**
   * Generates several replies as one batch: the model reads its weights once for the next token of all of them, and what
   * the prompts have in common is computed once. Each reply is the one that `generate` would give, and has the whole context
   * window. A reply that cannot begin ends by itself. Leaving the loop early ends the requests.
   * @param requests at least one; the `cancel` of each stops that lane
   * @param cancel stops all lanes
   * @throws EngineError before the first event: NO_MODEL, BAD_REQUEST, OUT_OF_MEMORY; CANCELLED while it waits for its
   * turn
   */
  async *generateLanes(
    requests: readonly { params: GenerateParams; cancel?: CancelToken }[],
    cancel?: CancelToken,
  ): AsyncGenerator<LanesEvent, void, undefined> {
    const leave = await this.queue.enter(cancel);
    try {
      const loaded = this.require();
      for (const { params } of requests) validateGenerateParams(params, loaded.model.config);
      const lanes = requests.map((request) => {
        try {
          return this.job(loaded, request.params, request.cancel);
        } catch (error) {
          return EngineError.from(error);
        }
      });
      const { executor, context, model } = loaded;
      const { contextSize } = model.config;
      yield* generateLanes({ lanes, executor, context, contextSize, platform: this.platform, cancel });
    } finally {
      leave();
    }
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED */
  async score(params: ScoreParams, cancel?: CancelToken): Promise<Score> {
    return this.queue.run(async () => {
      const { model, context } = this.require();
      validateScoreParams(params, model.config);
      const { ids } = readPrompt(params.prompt, model, 0);
      const { vocabularySize } = model.config;
      return score({ context, platform: this.platform, vocabularySize, ids, top: params.top, cancel });
    }, cancel);
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED */
  async inspect(params: InspectParams, cancel?: CancelToken): Promise<Inspection> {
    return this.queue.run(async () => {
      const loaded = this.require();
      validateInspectParams(params, loaded.model.config);
      const { prompt, sampling, stop } = params;
      const job = this.job(loaded, { prompt, sampling, stop, useKvCache: true, topCandidates: 0 }, cancel);
      return inspect(job, describe(loaded), params.topCandidates);
    }, cancel);
  }

  /**
   * What the next token would be drawn from under these settings. `stop.ignoreEos` counts, the other conditions do not.
   * @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED
   */
  async preview(params: InspectParams, cancel?: CancelToken): Promise<SamplingPreview> {
    return this.queue.run(async () => {
      const { model, context } = this.require();
      validateInspectParams(params, model.config);
      const { prompt: input, sampling, stop, topCandidates } = params;
      const prompt = readPrompt(input, model, stop.maxTokens);
      const job = { model, context, platform: this.platform, prompt, cancel };
      return preview(
        { ...job, params: { prompt: input, sampling, stop, useKvCache: true, topCandidates } },
        topCandidates,
      );
    }, cancel);
  }

  /**
   * Where the time of the loaded model goes, operation by operation.
   * @throws EngineError NO_MODEL, CONTEXT_FULL, CANCELLED, BAD_REQUEST on the reference executor
   */
  async profile(params: ProfileParams, cancel?: CancelToken): Promise<Profile> {
    return this.queue.run(() => {
      const { model, context } = this.require();
      validateProfileParams(params);
      return profile(context, model.config.vocabularySize, params, cancel);
    }, cancel);
  }

  private job(loaded: Loaded, params: GenerateParams, cancel: CancelToken | undefined): GenerateJob {
    const { model, executor, context } = loaded;
    const prompt = readPrompt(params.prompt, model, params.stop.maxTokens);
    const loadMs = loaded.loadReported ? 0 : loaded.loadMs;
    loaded.loadReported = true;
    const seed = params.sampling.seed ?? this.platform.randomSeed();
    return { model, executor: executor.name, context, platform: this.platform, params, prompt, seed, loadMs, cancel };
  }

  /** The weights go straight into the kernels' memory and are nowhere else. */
  private async openForKernels(
    files: ModelFiles,
    options: OpenModelOptions & Pick<LoadOptions, 'threads' | 'kvCacheType'>,
  ): Promise<{ model: Model; executor: Executor }> {
    if (!this.platform.compileKernels) {
      throw new EngineError(
        'BACKEND_LOST',
        'No CPU kernels are available here. Load the model with the reference executor.',
      );
    }
    const kernels = await this.platform.compileKernels();
    const { threads: host, clock, measurements } = this.platform;
    const threads = { count: options.threads ?? clock, host };
    const created: Executor[] = [];
    try {
      const model = await openModel(files, {
        ...options,
        takeWeights: async (program, weights, { contextSize, onBytes, cancel }) => {
          const executor = await createWasmExecutor(program, weights, {
            ...{ kernels, threads, onBytes, cancel, clock, measurements, kvCacheType: options.kvCacheType },
            cells: contextSize,
          });
          created.push(executor);
          return { bytes: executor.memoryBytes.weights, get: weightIsPacked };
        },
      });
      const [executor] = created;
      if (executor === undefined) throw new EngineError('INTERNAL', 'The model was opened without its weights.');
      return { model, executor };
    } catch (error) {
      // It runs already, also when loading is cancelled as its last step.
      for (const executor of created) await executor.dispose();
      throw error;
    }
  }

  private require(): Loaded {
    if (this.loaded === null) throw new EngineError('NO_MODEL', 'No model is loaded. Load one first.');
    return this.loaded;
  }

  private async dispose(): Promise<void> {
    if (this.loaded === null) return;
    await this.letGo();
    // Here no frame on the stack refers to the model any more.
    this.platform.collectGarbage?.();
  }

  private async letGo(): Promise<void> {
    const loaded = this.loaded;
    this.loaded = null;
    await loaded?.executor.dispose();
  }
}

/**
 * What a model is and what it needs on the `wasm` executor, from its headers.
 * @param available threads that this computer runs at once
 * @throws EngineError MODEL_*, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER
 */
export function describeModel(files: ModelFiles, available = 1): Promise<ModelDescription> {
  return describeHeaders(files, {
    planner: (program, contextSize, weights) => wasmMemoryOf(program, weights, contextSize, available),
    limit: MAX_MEMORY_BYTES,
    threads: threadsFor(available),
  });
}

async function openForReference(
  files: ModelFiles,
  options: OpenModelOptions,
): Promise<{ model: Model; executor: Executor }> {
  const model = await openModel(files, options);
  const { contextSize } = model.config;
  return { model, executor: createReferenceExecutor(model.program, model.weights, { cells: contextSize }) };
}

function weightIsPacked(name: string): never {
  throw new EngineError('INTERNAL', `The weight ${name} is packed for the kernels and cannot be read as float32.`);
}

function describe({ model, executor, loadMs }: Loaded): ModelInfo {
  const { name, kernels } = executor;
  const { weights, kvCache, scratch } = executor.memoryBytes;
  const overhead = engineOverhead(model.config.vocabularySize, kernels?.threads ?? null);
  const memoryBytes = { weights, kvCache, scratch: scratch + overhead };
  return { ...model.config, executor: name, kernels, loadMs, memoryBytes };
}
