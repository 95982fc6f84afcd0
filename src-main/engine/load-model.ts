/** From the files of a model to one that answers: its program, an executor with its weights, an empty KV cache. */
import type { ExecutorName, KvCacheType, LoadProgress, ModelDescription, ModelInfo } from './api/types.ts';
import { EngineError } from './api/errors.ts';
import type { CancelToken, ModelFiles, Platform } from './api/platform.ts';
import type { Executor } from './executors/executor.ts';
import { createReferenceExecutor } from './executors/reference/reference-executor.ts';
import { threadsFor } from './executors/wasm/thread-choice.ts';
import { createWasmExecutor, wasmMemoryOf } from './executors/wasm/wasm-executor.ts';
import { openDevice } from './executors/webgpu/device.ts';
import { createWebGpuExecutor } from './executors/webgpu/webgpu-executor.ts';
import { ContextWindow } from './generation/context-window.ts';
import { KvCache } from './kv-cache/kv-cache.ts';
import { describeModel as describeHeaders } from './models/describe-model.ts';
import { Inside } from './inside/inside.ts';
import { engineOverhead } from './models/memory-estimate.ts';
import type { Model } from './models/model.ts';
import { openModel, type OpenModelOptions } from './models/open-model.ts';
import { modelKey } from './prefix-cache/model-key.ts';
import { PrefixCache } from './prefix-cache/prefix-cache.ts';

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
   * first, until it is loaded again or a model is loaded without this option.
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
  /** What computes the model. Default `wasm`, where the host has its kernels. */
  executor?: ExecutorName;
  /** Threads of the `wasm` executor, from 1; left out, as many as measurably help. */
  threads?: number;
  /** How the `wasm` executor stores K and V; left out, as float32 where all weights are, else as binary16. */
  kvCacheType?: KvCacheType;
}

/**
 * Reads a model and puts its weights where its executor wants them.
 * @throws EngineError MODEL_*, UNSUPPORTED_*, OUT_OF_MEMORY, CANCELLED, BACKEND_LOST
 */
export async function loadModel(platform: Platform, files: ModelFiles, options: LoadOptions): Promise<Loaded> {
  const { clock, log } = platform;
  const startedAt = clock.now();
  const onWarning = (message: string) => log.warn(message);
  const wanted = options.executor ?? (platform.compileKernels ? 'wasm' : 'reference');
  const opened = new Set<string>();
  const tracked: ModelFiles = {
    ...files,
    open: (name) => {
      opened.add(name);
      return files.open(name);
    },
  };
  const { model, executor } = await open[wanted](platform, tracked, { ...options, onWarning });
  const context = new ContextWindow(executor, new KvCache(model.config.contextSize));
  const from = { names: [...opened].sort(), stamp: files.stamp };
  const prefixes = await prefixCache(platform, files, from.names, { model, executor, context });
  const loadMs = clock.now() - startedAt;
  return { model, executor, context, prefixes, loadMs, files: from, inside: new Inside(), loadReported: false };
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

type OpenOptions = OpenModelOptions & Pick<LoadOptions, 'threads' | 'kvCacheType'>;

async function openForKernels(
  platform: Platform,
  files: ModelFiles,
  options: OpenOptions,
): Promise<{ model: Model; executor: Executor }> {
  if (!platform.compileKernels) {
    throw new EngineError(
      'BACKEND_LOST',
      'No CPU kernels are available here. Load the model with the reference executor.',
    );
  }
  const kernels = await platform.compileKernels();
  const { threads: host, clock, measurements, memoryBytes: memoryOfComputer } = platform;
  const threads = { count: options.threads ?? clock, host };
  return openInto(files, options, (program, weights, { contextSize, onBytes, cancel }) =>
    createWasmExecutor(program, weights, {
      ...{ kernels, threads, onBytes, cancel, clock, measurements, kvCacheType: options.kvCacheType, memoryOfComputer },
      cells: contextSize,
    }),
  );
}

async function openForGpu(
  platform: Platform,
  files: ModelFiles,
  options: OpenOptions,
): Promise<{ model: Model; executor: Executor }> {
  if (!platform.openGpu) {
    throw new EngineError('BACKEND_LOST', 'WebGPU is not available here. Load the model with the wasm executor.');
  }
  const device = await openDevice(await platform.openGpu());
  let taken = false;
  try {
    return await openInto(files, options, (program, weights, { contextSize: cells, onBytes, cancel }) => {
      // From here on the executor destroys it.
      taken = true;
      return createWebGpuExecutor(program, weights, {
        ...{ device, cells, onBytes, cancel, kvCacheType: options.kvCacheType },
      });
    });
  } finally {
    if (!taken) device.device.destroy();
  }
}

/** The weights go straight into the executor's memory and are nowhere else. */
async function openInto(
  files: ModelFiles,
  options: OpenModelOptions,
  create: (...taking: Parameters<NonNullable<OpenModelOptions['takeWeights']>>) => Promise<Executor>,
): Promise<{ model: Model; executor: Executor }> {
  const created: Executor[] = [];
  try {
    const model = await openModel(files, {
      ...options,
      takeWeights: async (...taking) => {
        const executor = await create(...taking);
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

async function openForReference(
  _platform: Platform,
  files: ModelFiles,
  options: OpenModelOptions,
): Promise<{ model: Model; executor: Executor }> {
  const model = await openModel(files, options);
  const { contextSize } = model.config;
  return { model, executor: createReferenceExecutor(model.program, model.weights, { cells: contextSize }) };
}

const open: Readonly<Record<ExecutorName, typeof openForKernels>> = {
  reference: openForReference,
  wasm: openForKernels,
  webgpu: openForGpu,
};

function weightIsPacked(name: string): never {
  throw new EngineError('INTERNAL', `The weight ${name} is in the executor's own form and cannot be read as float32.`);
}

/** What the model is and what it occupies now. */
export function infoOf({ model, executor, loadMs }: Loaded): ModelInfo {
  const { name, kernels } = executor;
  const { weights, kvCache, scratch } = executor.memoryBytes;
  const overhead = engineOverhead(model.config.vocabularySize, kernels?.threads ?? null);
  const memoryBytes = { weights, kvCache, scratch: scratch + overhead };
  return { ...model.config, executor: name, kernels, loadMs, memoryBytes };
}

/**
 * What a model is and what it needs on the `wasm` executor, from its headers.
 * @param available threads that this computer runs at once
 * @throws EngineError MODEL_*, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER
 */
export function describeModel(files: ModelFiles, available = 1): Promise<ModelDescription> {
  return describeHeaders(files, {
    planner: (program, contextSize, weights) => wasmMemoryOf(program, weights, contextSize, available),
    threads: threadsFor(available),
  });
}
