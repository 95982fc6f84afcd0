import { setImmediate } from 'node:timers/promises';
import { defaultContext } from '../../../engine/api/defaults.ts';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelDescription, ModelInfo } from '../../../engine/api/types.ts';
import type { EngineStreams } from '../../../protocol/engine/api.ts';
import { EngineClient } from '../../../protocol/engine/client.ts';
import { cancelled, fromErrorPayload } from '../../../protocol/errors.ts';
import { fitOf, memoryAt } from '../../../protocol/engine/model-fit.ts';
import { filesAt, modelPathOf } from '../../../services/models/model-location.ts';
import { systemMemory } from '../../../services/system-resources.ts';
import { spawnEngine } from '../spawn-engine.ts';
import type { CliContext } from './context.ts';
import { formatFit } from './format/model-description.ts';
import { findModel, userLibrary, type ModelArgument } from './model-argument.ts';

export interface EngineSession {
  client: EngineClient;
  model: ModelInfo;
}

/**
 * Runs `work` with an engine in its own thread, so that Ctrl-C works while it computes, and with a loaded model.
 *
 * @param model an id, the path of a GGUF file or a model's folder, or a model that was found
 * @throws EngineError MODEL_NOT_FOUND with the available models, OUT_OF_MEMORY with the numbers, why it cannot be loaded,
 * or why the thread has ended
 */
export async function withEngine<T>(
  context: CliContext,
  model: string | ModelArgument,
  work: (session: EngineSession) => Promise<T>,
  options: Omit<EngineStreams['load']['params'], 'modelId'> = {},
): Promise<T> {
  const found = typeof model === 'string' ? await findModel(context, model) : model;
  const { modelId, modelPaths, isInLibrary } = found;
  const { transport, ended, terminate } = spawnEngine({ ...context, modelPaths });
  const client = new EngineClient(transport);
  try {
    if (Object.hasOwn(modelPaths, modelId) && !(await surelyFits(modelPaths[modelId]))) {
      const described = await client.call('describe', { modelId });
      const problem = whyUnloadable(described, options.executor, systemMemory().freeBytes);
      if (problem !== null) throw problem;
    }
    const loaded = await loadModel(client, { modelId, ...options }, context.signal);
    if (isInLibrary) await userLibrary(context).used(modelId);
    return await work({ client, model: loaded });
  } catch (error) {
    if (!isLoss(error) || !(await hasEnded(client))) throw error;
    throw new EngineError('BACKEND_LOST', await ended, {}, { cause: error });
  } finally {
    client.close();
    await terminate();
  }
}

/** Whether an executor was lost, or the whole engine. */
export function isLoss(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'BACKEND_LOST';
}

/** Whether the engine's thread has ended. */
export function hasEnded({ closed }: EngineClient): Promise<boolean> {
  return Promise.race([closed.then(() => true), setImmediate(false)]);
}

/** Upper limit of a loaded model's memory with the default context, as a multiple of its files. */
const MOST_TIMES_FILES = 32;

/** Whether there is plenty of memory, so that the files, which take a tenth of a second to read, can be skipped. */
async function surelyFits(path: string): Promise<boolean> {
  const files = await filesAt(await modelPathOf(path));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return MOST_TIMES_FILES * bytes < systemMemory().freeBytes;
}

/**
 * Why a model cannot be loaded or does not fit, before it is read; null otherwise. The CPU kernels need the least RAM of all
 * executors but that on a GPU, whose memory is unknown.
 * @param free bytes of RAM
 */
export function whyUnloadable(
  { memory, contextSize, problem }: Pick<ModelDescription, 'memory' | 'contextSize' | 'problem'>,
  executor: EngineStreams['load']['params']['executor'],
  free: number,
): EngineError | null {
  // Its memory would be that of float32 weights.
  if (problem !== null) return fromErrorPayload(problem);
  if (executor === 'webgpu') return null;
  const tokens = defaultContext(contextSize);
  const needed = memoryAt(memory, tokens).total;
  const fit = fitOf({ needed, free, held: 0 });
  if (fit.verdict !== 'too-large') return null;
  return new EngineError('OUT_OF_MEMORY', formatFit(fit, tokens), { needed, available: fit.available });
}

async function loadModel(
  client: EngineClient,
  params: EngineStreams['load']['params'],
  signal: AbortSignal,
): Promise<ModelInfo> {
  for await (const event of client.stream('load', params, { signal })) {
    if (event.type === 'loaded') return event.model;
  }
  throw cancelled();
}
