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
import {
  afterLoss,
  choiceWithoutAdapter,
  findAdapter,
  knownChoice,
  measuredChoice,
  withoutGpu,
} from './executors/executor-choice.ts';
import { gpuAccess, type OpenedGpu } from './executors/gpu-access.ts';
import { createReferenceExecutor } from './executors/reference/reference-executor.ts';
import { dotKindOf } from './executors/wasm/kernel-choice.ts';
import { threadsFor } from './executors/wasm/thread-choice.ts';
import { createWasmExecutor, wasmMemoryOf } from './executors/wasm/wasm-executor.ts';
import { type DotKind, sizeDependsOnCodes } from './executors/wasm/weight-layouts.ts';
import { noWebGpu } from './executors/webgpu/device.ts';
import { webGpuMemoryOf } from './executors/webgpu/model-buffers.ts';
import { ContextWindow } from './generation/context-window.ts';
import { KvCache } from './kv-cache/kv-cache.ts';
import { describeModel as describeHeaders } from './models/describe-model.ts';
import { Inside } from './inside/inside.ts';
import { engineOverhead } from './models/memory-estimate.ts';
import type { Model } from './models/model.ts';
import { openModel, type OpenModelOptions } from './models/open-model.ts';
import { modelKey } from './prefix-cache/model-key.ts';
import { PrefixCache, type StoredPrefix } from './prefix-cache/prefix-cache.ts';
import { elementCount } from './tensor/shape.ts';

type ExecutorSettings = Pick<LoadOptions, 'threads' | 'kvCacheType'>;

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

/**
 * Reads a model and puts its weights where its executor wants them.
 * @param lostGpu why the GPU was lost: it is then not chosen automatically
 * @throws EngineError MODEL_*, UNSUPPORTED_*, OUT_OF_MEMORY, CANCELLED, BACKEND_LOST
 */
export async function loadModel(
  platform: Platform,
  files: ModelFiles,
  options: LoadOptions,
  lostGpu: EngineError | null = null,
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
  const { model, executor, choice = null } = await open[wanted](platform, tracked, { ...options, onWarning, lostGpu });
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

type OpenOptions = OpenModelOptions & ExecutorSettings & { readonly lostGpu: EngineError | null };

interface Opened {
  readonly model: Model;
  readonly executor: Executor;
  readonly choice?: ExecutorChoice;
}

/** Creates an executor with a model's weights. */
type Create = (...taking: Parameters<NonNullable<OpenModelOptions['takeWeights']>>) => Promise<Executor>;

/** Starts compiling the kernels. Hosts do that in other threads while the file is read. */
function kernelsInto(platform: Platform, options: OpenOptions): Promise<Create> {
  if (!platform.compileKernels) {
    const message = 'No CPU kernels are available here. Load the model with the reference executor.';
    return Promise.reject(new EngineError('BACKEND_LOST', message));
  }
  const compiling = platform.compileKernels();
  // Reported when the kernels are needed. Reading the file may fail earlier.
  compiling.catch(() => undefined);
  const { threads: host, clock, measurements, memoryBytes: memoryOfComputer } = platform;
  const threads = { count: options.threads ?? clock, host };
  return Promise.resolve(async (program, weights, { contextSize, onBytes, cancel }) =>
    createWasmExecutor(program, weights, {
      ...{ kernels: await compiling, threads, onBytes, cancel, clock, measurements, memoryOfComputer },
      ...{ kvCacheType: options.kvCacheType, cells: contextSize },
    }),
  );
}

async function openForKernels(platform: Platform, files: ModelFiles, options: OpenOptions): Promise<Opened> {
  return openInto(files, options, await kernelsInto(platform, options));
}

async function openForGpu(platform: Platform, files: ModelFiles, options: OpenOptions): Promise<Opened> {
  const gpu = await openGpu(platform);
  let taken = false;
  try {
    return await openInto(files, options, (...taking) => {
      // The executor closes it from here on.
      taken = true;
      return createOn(gpu, options)(...taking);
    });
  } finally {
    if (!taken) gpu.close();
  }
}

function openGpu(platform: Platform): Promise<OpenedGpu> {
  const access = gpuAccess(platform);
  return access ? access.open() : Promise.reject(noWebGpu());
}

function createOn(gpu: OpenedGpu, { kvCacheType }: OpenOptions): Create {
  return (program, weights, { contextSize: cells, onBytes, onCompile, cancel }) =>
    gpu.createExecutor(program, weights, { cells, onBytes, onCompile, cancel, kvCacheType });
}

/** On the CPU first, unless the GPU was faster before. */
async function openForFaster(platform: Platform, files: ModelFiles, options: OpenOptions): Promise<Opened> {
  const { clock, log } = platform;
  const startedAt = clock.now();
  const createOnCpu = await kernelsInto(platform, options);
  const onGpu = async (...taking: Parameters<Create>) => createOn(await openGpu(platform), options)(...taking);
  let choice = null as ExecutorChoice | null;
  const opened = await openInto(files, options, async (program, weights, taking) => {
    const layers = program.kvWidths.length;
    const size = program.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const type = weights.typeOf(program.weights[0]).name;
    const key = [files.id, files.stamp, size, type, options.threads, options.kvCacheType].join(' ');
    const model = { key, layers };
    choice = await choiceWithoutAdapter(platform, model, options.lostGpu);
    const adapter = choice === null ? await findAdapter(platform) : '';
    choice ??= await knownChoice(platform, model, adapter);
    // Progress counts the bytes of the first read only.
    const again = { ...taking, onBytes: () => undefined };
    let cpu: Executor | null = null;
    if (choice?.executor !== 'webgpu') cpu = await createOnCpu(program, weights, taking);
    try {
      if (cpu && choice === null && typeof adapter !== 'string') {
        const empty = { typeOf: weights.typeOf.bind(weights), readRows: () => Promise.resolve() };
        const measuring = () => onGpu(program, empty, again);
        choice = await measuredChoice(platform, model, adapter, cpu, measuring, clock.now() - startedAt);
      }
      if (cpu && choice?.executor !== 'webgpu') return cpu;
    } catch (error) {
      await cpu?.dispose();
      throw error;
    }
    await cpu?.dispose();
    try {
      return await onGpu(program, weights, cpu ? again : taking);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'CANCELLED') throw error;
      log.warn('The GPU cannot run a model.', { message: error.message });
      choice = withoutGpu(error);
      return createOnCpu(program, weights, again);
    }
  });
  return choice === null ? opened : { ...opened, choice };
}

/** The weights go straight into the executor's memory and are nowhere else. */
async function openInto(files: ModelFiles, options: OpenModelOptions, create: Create): Promise<Opened> {
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
    // It exists already, even if loading is cancelled in its last step.
    for (const executor of created) await executor.dispose();
    throw error;
  }
}

async function openForReference(_platform: Platform, files: ModelFiles, options: OpenModelOptions): Promise<Opened> {
  const model = await openModel(files, options);
  const { contextSize } = model.config;
  return { model, executor: createReferenceExecutor(model.program, model.weights, { cells: contextSize }) };
}

const open: Readonly<Record<ExecutorName | 'auto', typeof openForKernels>> = {
  auto: openForFaster,
  reference: openForReference,
  wasm: openForKernels,
  webgpu: openForGpu,
};

function weightIsPacked(name: string): never {
  throw new EngineError('INTERNAL', `The weight ${name} is in the executor's own form and cannot be read as float32.`);
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
