/** From the files of a model to one that answers: its program, an executor with its weights, an empty KV cache. */
import type {
  ExecutorChoice,
  ExecutorName,
  KvCacheType,
  LoadProgress,
  ModelDescription,
  ModelInfo,
  PreviewParams,
} from './api/types.ts';
import { EngineError } from './api/errors.ts';
import type { CancelToken, CompiledKernels, ModelFiles, Platform } from './api/platform.ts';
import type { Executor } from './executors/executor.ts';
import { afterLoss } from './executors/executor-choice.ts';
import { dotKindOf } from './executors/wasm/kernel-choice.ts';
import { threadsFor } from './executors/wasm/thread-choice.ts';
import { wasmMemoryOf } from './executors/wasm/wasm-executor.ts';
import { type DotKind, sizeDependsOnCodes } from './executors/wasm/weight-layouts.ts';
import { webGpuMemoryOf } from './executors/webgpu/model-buffers.ts';
import { ContextWindow } from './generation/context-window.ts';
import { KvCache } from './kv-cache/kv-cache.ts';
import { describeModel as describeHeaders } from './models/describe-model.ts';
import { Inside } from './inside/inside.ts';
import { engineOverhead } from './models/memory-estimate.ts';
import type { Model } from './models/model.ts';
import { type ExecutorSettings, openOn, type SharedGpu } from './open-on-executor.ts';
import { modelKey } from './prefix-cache/model-key.ts';
import { PrefixCache, type StoredPrefix } from './prefix-cache/prefix-cache.ts';

/** The files that were opened to load a model. */
export interface OpenedFiles {
  /** Sorted. */
  readonly names: readonly string[];
  /** See `ModelFiles.stamp`. */
  readonly stamp: string | undefined;
}

export interface Loaded {
  readonly model: Model;
  readonly executor: Executor;
  readonly context: ContextWindow;
  /** Null if the host stores nothing, or K and V are out of reach. */
  readonly prefixes: PrefixCache | null;
  readonly loadMs: number;
  readonly files: OpenedFiles;
  /** Null if the executor was requested, and has not failed since. */
  readonly choice: ExecutorChoice | null;
  /** As requested. */
  readonly settings: ExecutorSettings;
  /** Opens them again. */
  readonly source: ModelFiles;
  /** What had to be guessed or ignored in the files. */
  readonly notices: readonly string[];
  /** What was computed about the inside of runs. */
  readonly inside: Inside;
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
   * Keeps the present model in memory beside the new one, so that loading it again takes no time. One model is kept: the
   * first, until it is loaded again or a model is loaded without this option. A GPU without memory for both keeps none.
   */
  keepLoaded?: boolean;
  /**
   * Loads it beside the present model, which continues to answer; `inside` and `tokenize` reach it by its id. It stays until
   * `releaseInside`, or until another one is loaded with this option.
   */
  beside?: boolean;
  /**
   * Tokens of prompt and reply together, from 1 to what the model was trained for; bounds the memory of K and V. Left
   * out, what the model was trained for, at most 4096.
   */
  contextSize?: number;
  /**
   * What computes the model. Default `wasm`, where the host has its kernels. `auto`: the faster of `wasm` and `webgpu`, by
   * measurement.
   */
  executor?: ExecutorName | 'auto';
  /** Threads of the `wasm` executor, from 1; left out, as many as measurably help. */
  threads?: number;
  /** How the `wasm` executor stores K and V; left out, as float32 where all weights are, else as binary16. */
  kvCacheType?: KvCacheType;
}

/** No model is unloaded for the new one. */
const UNSHARED: SharedGpu = { lost: null, onLost: () => undefined, free: () => Promise.resolve(false) };

/**
 * Reads a model and puts its weights where its executor wants them.
 * @throws EngineError MODEL_*, UNSUPPORTED_*, OUT_OF_MEMORY, CANCELLED, BACKEND_LOST
 */
export async function loadModel(
  platform: Platform,
  files: ModelFiles,
  options: LoadOptions,
  gpu: SharedGpu = UNSHARED,
): Promise<Loaded> {
  const { clock, log } = platform;
  const startedAt = clock.now();
  const notices: string[] = [];
  const onWarning = (message: string) => {
    notices.push(message);
    log.warn(message);
  };
  const wanted = options.executor ?? (platform.compileKernels ? 'wasm' : 'reference');
  const opened = new Set<string>();
  const tracked: ModelFiles = {
    ...files,
    open: (name) => {
      opened.add(name);
      return files.open(name);
    },
  };
  const { model, executor, choice = null } = await openOn[wanted](platform, tracked, { ...options, onWarning, gpu });
  const context = new ContextWindow(executor, new KvCache(model.config.contextSize));
  const from = { names: [...opened].sort(), stamp: files.stamp };
  const prefixes = await prefixCache(platform, files, from.names, { model, executor, context });
  const loadMs = clock.now() - startedAt;
  const inside = new Inside();
  return {
    model,
    executor,
    choice,
    settings: settingsOf(options),
    context,
    prefixes,
    loadMs,
    files: from,
    source: files,
    notices,
    inside,
    loadReported: false,
  };
}

/** For people. */
export const CONTINUED_ON_CPU =
  'The GPU was lost, and the reply continued on the CPU. To try the GPU again, load the model on it.';

/**
 * Loads a model again, on the CPU, after its executor failed.
 * @throws EngineError BACKEND_LOST if that fails, too, so that hosts know that no model is loaded
 */
export async function loadOnCpu(
  platform: Platform,
  { source, model, settings }: Loaded,
  error: EngineError,
): Promise<Loaded> {
  platform.log.warn('A reply continues on the CPU.', { message: error.message });
  const { contextSize } = model.config;
  const loaded = await loadModel(platform, source, { ...settings, contextSize }).catch((cause: unknown) => {
    platform.collectGarbage?.();
    const message = `The GPU was lost, and the CPU cannot load the model. ${EngineError.from(cause).message}`;
    throw new EngineError('BACKEND_LOST', message, {}, { cause });
  });
  // The load belongs to no reply.
  return { ...loaded, choice: afterLoss(error), loadReported: true };
}

async function prefixCache(
  { prefixStore: store, log }: Platform,
  files: ModelFiles,
  names: readonly string[],
  { model, executor, context }: Pick<Loaded, 'model' | 'executor' | 'context'>,
): Promise<PrefixCache | null> {
  const cells = executor.cellAccess;
  if (store === undefined || cells === null) return null;
  try {
    const key = await modelKey(store, files, names, model.program, executor);
    return new PrefixCache({ store, log, model: key, cells, context });
  } catch (error) {
    log.warn('There is no prefix cache for this model.', { message: EngineError.from(error).message });
    return null;
  }
}

/** Undefined if nothing is stored for the request. */
export function storedPrefix({ prefixes }: Loaded, { storePrefixFor }: PreviewParams): StoredPrefix | undefined {
  return storePrefixFor === undefined ? undefined : prefixes?.of(storePrefixFor);
}

/** Why the GPU was lost, when a load starts. It may have been lost during a request that has ended. */
export function lossBefore(
  known: EngineError | null,
  present: Loaded | null,
  { executor }: LoadOptions,
): EngineError | null {
  if (executor === 'webgpu') return null;
  const isLost = present?.executor.name === 'webgpu' && present.executor.failed;
  return known ?? (isLost ? new EngineError('BACKEND_LOST', 'The GPU was lost.') : null);
}

function settingsOf({ threads, kvCacheType }: LoadOptions): ExecutorSettings {
  return { ...(threads !== undefined && { threads }), ...(kvCacheType !== undefined && { kvCacheType }) };
}

/** @param isIdle no query is running, so that its K and V can be released, too @returns bytes that were remembered */
export function dropInside(one: Loaded | null, isIdle: boolean): number {
  if (isIdle) one?.context.releaseTemporary();
  return one?.inside.release() ?? 0;
}

/** What the model is and what it occupies now. */
export function infoOf({ model, executor, choice, loadMs, notices }: Loaded): ModelInfo {
  const { name, kernels, adapter } = executor;
  const { weights, kvCache, scratch } = executor.memoryBytes;
  const overhead = engineOverhead(model.config.vocabularySize, kernels?.threads ?? null);
  const memoryBytes = { weights, kvCache, scratch: scratch + overhead };
  return {
    ...model.config,
    executor: name,
    kernels,
    ...(adapter && { adapter }),
    ...(choice && { choice }),
    loadMs,
    memoryBytes,
    notices: [...notices],
  };
}

/** How 8-bit codes are treated where no kernels say. */
const ASSUMED_CODES: DotKind = 'unsigned';

/**
 * What a model is and what it needs on the `wasm` and the `webgpu` executor, from its headers.
 * @param available threads that this computer runs at once
 * @param compileKernels called if the size of the weights depends on this computer's processor
 * @throws EngineError MODEL_*, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER
 */
export function describeModel(
  files: ModelFiles,
  available = 1,
  compileKernels?: () => Promise<CompiledKernels>,
): Promise<ModelDescription> {
  return describeHeaders(files, {
    plannerFor: async (types) => {
      const kernels = types.some(sizeDependsOnCodes) ? compileKernels?.() : undefined;
      // Why there are no kernels is reported when the model is loaded.
      const codes = (await kernels?.then(dotKindOf).catch(() => ASSUMED_CODES)) ?? ASSUMED_CODES;
      return (program, contextSize, weights) => wasmMemoryOf(program, weights, contextSize, available, codes);
    },
    threads: threadsFor(available),
    gpuPlanner: (program, cells, weights) => webGpuMemoryOf(program, weights, { cells }),
  });
}

/** As `describeModel`, for what the host has. */
export function describeOn(platform: Platform, files: ModelFiles): Promise<ModelDescription> {
  if (!platform.compileKernels) return describeHeaders(files);
  return describeModel(files, platform.threads?.available, platform.compileKernels.bind(platform));
}
