/** The engine as hosts use it: a model, and requests to it one after the other. */
import { EngineError } from './api/errors.ts';
import { generateLanes } from './generation/generate-lanes.ts';
import { generate, type GenerateJob, type Recovered } from './generation/generate.ts';
import { preview } from './generation/preview.ts';
import { profile } from './generation/profile.ts';
import { PromptLookup } from './generation/prompt-lookup.ts';
import { readPrompt, renderChat } from './generation/prompt.ts';
import { RequestQueue } from './generation/request-queue.ts';
import { score } from './generation/score.ts';
import { seen } from './generation/shift.ts';
import { inspect } from './inside/inspect.ts';
import { withTokens } from './inside/with-tokens.ts';
import { nowAndThen, type OnProgress } from './inside/query-progress.ts';
import type { InsideRun } from './inside/tapped-row.ts';
import { intervene, replaceTokens } from './program/interventions.ts';
import { checkGrammar } from './grammar/compile-grammar.ts';
import {
  CONTINUED_ON_CPU,
  describeOn,
  dropInside,
  infoOf,
  storedPrefix,
  type Loaded,
  type LoadOptions,
  type OpenedFiles,
} from './load-model.ts';
import { LoadedModels } from './loaded-models.ts';
import { checkName } from './check-value.ts';
import type { CancelToken, ModelFiles, Platform, PrefixStoreSize } from './api/platform.ts';
import { packTokens } from './tokenizer/pack-tokens.ts';
import type {
  Detokenized,
  GenerateEvent,
  GenerateParams,
  GrammarSource,
  InspectRunParams,
  InsideAnswer,
  InsideParams,
  Intervention,
  Inspection,
  LanesEvent,
  ModelDescription,
  ModelInfo,
  PreviewParams,
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
  validateInsideParams,
  validateInspectRunParams,
  validatePreviewParams,
  validateProfileParams,
  validateRenderChatParams,
  validateScoreParams,
} from './validate.ts';

export * from './api/defaults.ts';
export * from './api/errors.ts';
export * from './api/platform.ts';
export * from './api/types.ts';
export { describeModel, type LoadOptions, type OpenedFiles } from './load-model.ts';
export { serveGpu } from './executors/remote/serve-gpu.ts';
export { openTokenizer } from './models/open-tokenizer.ts';
export {
  type Quantized,
  quantizeModel,
  type QuantizeOptions,
  type QuantizeProgress,
} from './quantize/quantize-model.ts';
export { TARGET_TYPES } from './quantize/storage-plan.ts';
export type { Tokenizer } from './tokenizer/tokenizer.ts';

/**
 * Holds one model, and possibly others beside it that do not answer. Serves one request at a time; others wait in a
 * queue. Every request may be cancelled by its token, also while it waits: it then fails with CANCELLED.
 */
export class InferenceEngine {
  private readonly queue = new RequestQueue();
  private readonly models: LoadedModels;

  constructor(private readonly platform: Platform) {
    this.models = new LoadedModels(platform);
  }

  /** Whether a request is running or waiting. */
  get busy(): boolean {
    return this.queue.busy;
  }

  /** Tokens that the loaded model has computed. Reused tokens do not count; a token that lanes share counts once. */
  get computedTokens(): number {
    return this.models.current?.executor.computedTokens ?? 0;
  }

  /** The loaded model with its current memory; also null when its executor failed, so that it must be loaded again. */
  get model(): ModelInfo | null {
    const { current } = this.models;
    return current === null || current.executor.failed ? null : infoOf(current);
  }

  /** The loaded model's files; null if there is no model. */
  get files(): OpenedFiles | null {
    return this.models.current?.files ?? null;
  }

  /**
   * Replaces the current model, which stays when loading fails. If it had to leave the GPU, it is loaded again.
   * @param files or a function that finds them when it is the load's turn
   * @throws EngineError MODEL_*, UNSUPPORTED_*, OUT_OF_MEMORY, CANCELLED
   */
  async load(files: ModelFiles | (() => Promise<ModelFiles>), options: LoadOptions = {}): Promise<ModelInfo> {
    return this.queue.run(async () => infoOf(await this.models.load(files, options)), options.cancel);
  }

  /**
   * Describes a model and its memory needs from its headers. Loads nothing and does not wait.
   * @throws EngineError MODEL_*, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER
   */
  describe(files: ModelFiles): Promise<ModelDescription> {
    return describeOn(this.platform, files);
  }

  /** Frees the models in memory. Does nothing when there are none. @throws EngineError CANCELLED */
  async unload(cancel?: CancelToken): Promise<void> {
    await this.queue.run(async () => {
      await this.models.dispose('beside');
      await this.models.dispose('kept');
      await this.models.dispose('current');
    }, cancel);
  }

  /** @throws EngineError NO_MODEL, MODEL_NOT_FOUND */
  tokenize({ text, addBos, parseSpecial, modelId }: TokenizeParams): Tokenized {
    return packTokens(this.require(modelId).model.tokenizer.encodePieces(text, { addSpecial: addBos, parseSpecial }));
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST for an id outside the vocabulary */
  detokenize(ids: readonly number[], skipSpecial: boolean): Detokenized {
    const { model } = this.require();
    validateIds('ids', ids, model.config);
    const { tokenizer } = model;
    return { text: tokenizer.decode(ids, skipSpecial), pieces: ids.map((id) => tokenizer.piece(id)) };
  }

  /**
   * The text and ids of a chat prompt, even if it exceeds the context window.
   * @throws EngineError NO_MODEL, BAD_REQUEST, CHAT_TEMPLATE
   */
  renderChat(params: RenderChatParams): RenderedChat {
    const { model } = this.require();
    validateRenderChatParams(params, model.config);
    return renderChat(params, model);
  }

  /** The problem with a grammar or JSON schema and its position; null if it is valid. Needs no model. */
  checkGrammar(grammar: GrammarSource): SourceProblem | null {
    return checkGrammar(grammar);
  }

  /**
   * Generates a reply. Leaving the loop early ends the request.
   * @throws EngineError before the `start` event: NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED. Later failures are
   * `end` events.
   */
  async *generate(params: GenerateParams, cancel?: CancelToken): AsyncGenerator<GenerateEvent, void, undefined> {
    const leave = await this.queue.enter(cancel);
    try {
      const loaded = this.require();
      validateGenerateParams(params, loaded.model.config);
      // Only its batches are faster than single tokens and give the same bits.
      const speculates = params.speculate !== false && loaded.executor.name === 'wasm';
      const recover = (error: EngineError) => this.recover(error);
      const job = { ...this.job(loaded, params, cancel, true), recover, startedAt: this.platform.clock.now() };
      const stored = params.useKvCache ? storedPrefix(loaded, params) : undefined;
      await stored?.restore(seen(job, job.prompt.ids).ids, cancel);
      for await (const event of generate(speculates ? { ...job, drafter: new PromptLookup() } : job)) {
        // Continues after this request, when no other one runs.
        if (event.type === 'end') {
          const { ids } = seen(job, [...job.prompt.ids, ...event.ids]);
          void stored?.save(ids, this.whileLoaded(loaded));
        }
        yield event;
      }
    } finally {
      leave();
    }
  }

  /**
   * Generates several replies as one batch: the model reads its weights once for the next token of all of them, and the
   * common prefix of the prompts is computed once. Each reply is the same as from `generate`, and has the whole context
   * window. A reply that cannot begin ends separately. Leaving the loop early ends the requests.
   * @param requests at least one; the `cancel` of each stops that lane
   * @param cancel stops all lanes
   * @throws EngineError before the first event: NO_MODEL, BAD_REQUEST, OUT_OF_MEMORY; CANCELLED while it waits
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
      const recover = async (error: EngineError) => {
        const { model, notice } = await this.recover(error);
        const { executor, context } = this.require();
        return { executor, context, model, notice };
      };
      yield* generateLanes({ lanes, executor, context, contextSize, platform: this.platform, cancel, recover });
    } finally {
      leave();
    }
  }

  /** Size of the stored prefix cache; null if this host stores nothing. @throws EngineError STORAGE */
  async prefixCacheSize(): Promise<PrefixStoreSize | null> {
    return (await this.platform.prefixStore?.size()) ?? null;
  }

  /**
   * Deletes the stored prefix cache, or what only one chat has of it.
   * @throws EngineError BAD_REQUEST, STORAGE
   */
  async clearPrefixCache(chat?: string): Promise<void> {
    if (chat !== undefined) checkName('chat', chat);
    const { prefixStore } = this.platform;
    for (const one of [this.models.current, this.models.kept]) one?.prefixes?.invalidate();
    await (chat === undefined ? prefixStore?.clear() : prefixStore?.deleteChat(chat));
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED */
  async score(params: ScoreParams, cancel?: CancelToken): Promise<Score> {
    return this.queue.run(async () => {
      const { model, context } = this.require();
      validateScoreParams(params, model.config);
      const { ids } = readPrompt(params.prompt, model, 0);
      const { vocabularySize } = model.config;
      const { top, last } = params;
      return score({ context, platform: this.platform, vocabularySize, ids, top, last, cancel });
    }, cancel);
  }

  /** @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED */
  async inspect(params: InspectRunParams, cancel?: CancelToken): Promise<Inspection> {
    return this.queue.run(async () => {
      const loaded = this.require();
      validateInspectRunParams(params, loaded.model.config);
      const { sampling, stop, topCandidates, interventions = [], attribution = false, lens = false } = params;
      const prompt = withTokens(params.prompt, interventions, loaded.model);
      const job = this.job(loaded, { prompt, sampling, stop, useKvCache: true, topCandidates: 0 }, cancel);
      const run = this.insideRun(loaded, job.prompt.ids, interventions, cancel);
      return inspect(run, job, { info: infoOf(loaded), topCandidates, attribution, lens });
    }, cancel);
  }

  /**
   * Looks inside a run of token ids. The model's KV cache serves it, and keeps what chats stored in it. `onProgress` reports
   * how much is computed, 0..1, if that takes long.
   * @throws EngineError NO_MODEL, MODEL_NOT_FOUND, BAD_REQUEST, CONTEXT_FULL, OUT_OF_MEMORY, CANCELLED
   */
  async inside(params: InsideParams, cancel?: CancelToken, onProgress?: OnProgress): Promise<InsideAnswer> {
    return this.queue.run(() => {
      const loaded = this.require(params.modelId);
      const { model } = loaded;
      validateInsideParams(params, model.config);
      const { clock } = this.platform;
      const ids = replaceTokens(params.ids, params.interventions, model.config.vocabularySize);
      const run = this.insideRun(loaded, ids, params.interventions, cancel);
      return loaded.inside.ask(onProgress ? { ...run, onProgress: nowAndThen(onProgress, clock) } : run, params);
    }, cancel);
  }

  /** Frees what `inside` remembers, and the model beside the loaded one. @returns bytes that were remembered */
  async releaseInside(only?: 'beside'): Promise<number> {
    const all = () => {
      const { current, kept, beside } = this.models;
      return only === 'beside' ? [beside] : [current, kept, beside];
    };
    const release = (isIdle: boolean) => all().reduce((sum, one) => sum + dropInside(one, isIdle), 0);
    const bytes = release(false);
    // A query may be running, or a model may just be loaded beside.
    return this.queue.run(async () => {
      const late = release(true);
      await this.models.release('beside');
      // V8 leaves long arrays for minutes in an engine that does nothing.
      this.platform.collectGarbage?.();
      return bytes + late;
    });
  }

  /**
   * The distribution of the next token under these settings, and how a reply draws it if `reply` is given.
   * `stop.ignoreEos` is respected, and `stop.maxTokens` by a grammar; other stop conditions are ignored.
   * @throws EngineError NO_MODEL, BAD_REQUEST, CONTEXT_FULL, CANCELLED
   */
  async preview(params: PreviewParams, cancel?: CancelToken): Promise<SamplingPreview> {
    return this.queue.run(async () => {
      const loaded = this.require();
      const { model, context } = loaded;
      validatePreviewParams(params, model.config);
      const { reply, token, ...settings } = params;
      const prompt = readPrompt(params.prompt, model, params.stop.maxTokens, true);
      const job = { model, context, platform: this.platform, prompt, reply, token, cancel };
      await storedPrefix(loaded, params)?.restore(seen(job, prompt.ids).ids, cancel);
      return context.reading(() => preview({ ...job, params: { ...settings, useKvCache: true } }));
    }, cancel);
  }

  /**
   * Profiles the loaded model, operation by operation.
   * @throws EngineError NO_MODEL, CONTEXT_FULL, CANCELLED, BAD_REQUEST on the reference executor
   */
  async profile(params: ProfileParams, cancel?: CancelToken): Promise<Profile> {
    return this.queue.run(() => {
      const { model, context } = this.require();
      validateProfileParams(params);
      return profile(context, model.config.vocabularySize, params, cancel);
    }, cancel);
  }

  /** @param shifts see `readPrompt`; not for lanes, whose cells are counted before */
  private job(loaded: Loaded, params: GenerateParams, cancel: CancelToken | undefined, shifts = false): GenerateJob {
    const { model, executor, context } = loaded;
    const prompt = readPrompt(params.prompt, model, params.stop.maxTokens, shifts);
    const loadMs = loaded.loadReported ? 0 : loaded.loadMs;
    loaded.loadReported = true;
    const seed = params.sampling.seed ?? this.platform.randomSeed();
    return { model, executor: executor.name, context, platform: this.platform, params, prompt, seed, loadMs, cancel };
  }

  /** Moves the model of a lost GPU to the CPU. @throws EngineError the given one if it was on the CPU already */
  private async recover(error: EngineError): Promise<Recovered> {
    const loaded = await this.models.moveToCpu(error);
    return { context: loaded.context, model: infoOf(loaded), notice: CONTINUED_ON_CPU };
  }

  private insideRun(
    { model, executor, context }: Loaded,
    ids: readonly number[],
    interventions: readonly Intervention[],
    cancel: CancelToken | undefined,
  ): InsideRun {
    const program = intervene(model.program, interventions);
    const causal = interventions.every(({ kind }) => kind !== 'causal_mask');
    return { model, executor, context, platform: this.platform, program, interventions, ids, causal, cancel };
  }

  /** Runs steps when it is their turn and the model is still there. */
  private whileLoaded(one: Loaded): (step: () => Promise<void>) => Promise<void> {
    return (step) =>
      this.queue.run(async () => {
        if (this.models.current === one || this.models.kept === one) await step();
      });
  }

  /** @param modelId of a model in memory; by default the one that answers @throws EngineError NO_MODEL, MODEL_NOT_FOUND */
  private require(modelId?: string): Loaded {
    return this.models.require(modelId);
  }
}
