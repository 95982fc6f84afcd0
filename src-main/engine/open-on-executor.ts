/** Opens a model with its weights on an executor: on a requested one, or on the faster of CPU and GPU. */
import type { ExecutorChoice, ExecutorName } from './api/types.ts';
import { EngineError } from './api/errors.ts';
import type { ModelFiles, Platform } from './api/platform.ts';
import type { Executor } from './executors/executor.ts';
import {
  afterFailure,
  choiceWithoutAdapter,
  findAdapter,
  knownChoice,
  measuredChoice,
  WITHOUT_CPU,
} from './executors/executor-choice.ts';
import { gpuAccess, type OpenedGpu } from './executors/gpu-access.ts';
import { createReferenceExecutor } from './executors/reference/reference-executor.ts';
import { createWasmExecutor } from './executors/wasm/wasm-executor.ts';
import { noWebGpu } from './executors/webgpu/device.ts';
import type { LoadOptions } from './load-model.ts';
import type { Model } from './models/model.ts';
import { openModel, type OpenModelOptions } from './models/open-model.ts';
import type { WeightReader } from './program/weights.ts';
import { elementCount } from './tensor/shape.ts';

export type ExecutorSettings = Pick<LoadOptions, 'threads' | 'kvCacheType'>;

/** The GPU, which models in memory may occupy. */
export interface SharedGpu {
  /** Why it was lost, so that it is not chosen automatically; null if it was not. */
  readonly lost: EngineError | null;
  /** Called when it is lost while a model is loaded automatically. */
  readonly onLost: (error: EngineError) => void;
  /**
   * Unloads the models that are on it: those that the new one replaces, or all, if memory is missing.
   * @returns whether there were any
   */
  readonly free: (which: 'replaced' | 'all') => Promise<boolean>;
}

type OpenOptions = OpenModelOptions & ExecutorSettings & { readonly gpu: SharedGpu };

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
    const message = 'No CPU kernels are available here. In a terminal, use --executor reference.';
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
  // Before the file is read.
  const gpu = await openGpu(platform);
  let taken = false;
  const take = () => {
    // The executor closes it from here on.
    taken = true;
    return Promise.resolve(gpu);
  };
  try {
    return await openInto(files, options, gpuInto(platform, options, take));
  } finally {
    if (!taken) gpu.close();
  }
}

function openGpu(platform: Platform): Promise<OpenedGpu> {
  const access = gpuAccess(platform);
  return access ? access.open() : Promise.reject(noWebGpu());
}

/**
 * Unloads the models on the GPU that this one replaces, between allocating its buffers and filling them, so that a model
 * whose buffers are refused unloads none. If memory for the buffers is missing, unloads all models on the GPU and tries again.
 * @param open opens a device for the first attempt
 */
function gpuInto(platform: Platform, { kvCacheType, gpu }: OpenOptions, open = () => openGpu(platform)): Create {
  return async (program, weights, { contextSize: cells, onBytes, onCompile, cancel }) => {
    const reader: WeightReader = {
      typeOf: weights.typeOf.bind(weights),
      async readRows(weight, options) {
        await gpu.free('replaced');
        await weights.readRows(weight, options);
      },
    };
    const create = (opened: OpenedGpu) =>
      opened.createExecutor(program, reader, { cells, onBytes, onCompile, cancel, kvCacheType });
    const opened = await open();
    try {
      return await create(opened);
    } catch (thrown) {
      const { code, details } = EngineError.from(thrown);
      // A buffer that exceeds a limit of the GPU does so without other models, too.
      if (code !== 'OUT_OF_MEMORY' || typeof details.limit === 'number' || !(await gpu.free('all'))) throw thrown;
      return await create(await openGpu(platform));
    }
  };
}

/** On the CPU first, unless the GPU was faster before. */
async function openForFaster(platform: Platform, files: ModelFiles, options: OpenOptions): Promise<Opened> {
  const { clock, log } = platform;
  const { lost, onLost } = options.gpu;
  const startedAt = clock.now();
  const createOnCpu = await kernelsInto(platform, options);
  const createOnGpu = gpuInto(platform, options);
  let choice = null as ExecutorChoice | null;
  const opened = await openInto(files, options, async (program, weights, taking) => {
    const layers = program.kvWidths.length;
    const size = program.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const type = weights.typeOf(program.weights[0]).name;
    const key = [files.id, files.stamp, size, type, options.threads, options.kvCacheType].join(' ');
    const model = { key, layers };
    choice = await choiceWithoutAdapter(platform, model, lost);
    const adapter = choice === null ? await findAdapter(platform, onLost) : '';
    choice ??= await knownChoice(platform, model, adapter);
    // Progress counts the bytes of the first read only.
    const again = { ...taking, onBytes: () => undefined };
    let cpu: Executor | null = null;
    if (choice?.executor !== 'webgpu') {
      try {
        cpu = await createOnCpu(program, weights, taking);
      } catch (thrown) {
        const error = EngineError.from(thrown);
        // Unless something speaks against the GPU, it may have the memory.
        if (error.code !== 'OUT_OF_MEMORY' || choice !== null) throw error;
        choice = WITHOUT_CPU;
      }
    }
    try {
      if (cpu && choice === null && typeof adapter !== 'string') {
        const empty = { typeOf: weights.typeOf.bind(weights), readRows: () => Promise.resolve() };
        const measuring = () => createOnGpu(program, empty, again);
        choice = await measuredChoice(platform, model, adapter, cpu, measuring, clock.now() - startedAt, onLost);
      }
      if (cpu && choice?.executor !== 'webgpu') return cpu;
    } catch (error) {
      await cpu?.dispose();
      throw error;
    }
    await cpu?.dispose();
    try {
      return await createOnGpu(program, weights, cpu ? again : taking);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'CANCELLED') throw error;
      log.warn('The GPU cannot run a model.', { message: error.message });
      choice = afterFailure(error, onLost);
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

/** @throws EngineError as `loadModel` */
export const openOn: Readonly<Record<ExecutorName | 'auto', typeof openForKernels>> = {
  auto: openForFaster,
  reference: openForReference,
  wasm: openForKernels,
  webgpu: (...taking) =>
    openForGpu(...taking).catch((thrown: unknown) => {
      throw ofGpu(EngineError.from(thrown));
    }),
};

/** Tells it from a lost engine, whose error has the same code. */
function ofGpu(error: EngineError): EngineError {
  const { code, message, details } = error;
  return code === 'BACKEND_LOST' ? new EngineError(code, message, { ...details, gpu: true }, { cause: error }) : error;
}

function weightIsPacked(name: string): never {
  throw new EngineError('INTERNAL', `The weight ${name} is in the executor's own form and cannot be read as float32.`);
}
