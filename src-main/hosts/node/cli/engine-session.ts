import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelInfo } from '../../../engine/api/types.ts';
import type { EngineStreams } from '../../../protocol/engine/api.ts';
import { EngineClient } from '../../../protocol/engine/client.ts';
import { cancelled } from '../../../protocol/errors.ts';
import { defaultContext, fitOf, memoryAt } from '../../../protocol/engine/model-fit.ts';
import { filesAt, placeOf } from '../../../services/models/model-place.ts';
import { systemMemory } from '../../../services/system-resources.ts';
import { spawnEngine } from '../spawn-engine.ts';
import type { CliContext } from './context.ts';
import { formatFit } from './format/model-description.ts';
import { findModel, userLibrary } from './model-argument.ts';

export interface EngineSession {
  client: EngineClient;
  model: ModelInfo;
}

/**
 * Runs `work` with an engine in its own thread, so that Ctrl-C is heard while it computes, and a loaded model.
 *
 * @param model an id, or the path of a GGUF file or a model's folder
 * @throws EngineError MODEL_NOT_FOUND that names the models there are, OUT_OF_MEMORY with the numbers
 */
export async function withEngine<T>(
  context: CliContext,
  model: string,
  work: (session: EngineSession) => Promise<T>,
  options: Omit<EngineStreams['load']['params'], 'modelId'> = {},
): Promise<T> {
  const { modelId, modelPaths, isInLibrary } = await findModel(context.modelsDir, model);
  const { transport, terminate } = spawnEngine({ ...context, modelPaths });
  const client = new EngineClient(transport);
  try {
    if (Object.hasOwn(modelPaths, modelId) && !(await surelyFits(modelPaths[modelId]))) {
      await refuseTooLarge(client, modelId);
    }
    const loaded = await loadModel(client, { modelId, ...options }, context.signal);
    if (isInLibrary) await userLibrary().used(modelId);
    return await work({ client, model: loaded });
  } finally {
    client.close();
    await terminate();
  }
}

/** Weights, K and V of the usual context and all else take less than this many times what the files do. */
const MOST_TIMES_FILES = 32;

/** Whether there is so much memory that nobody need look into the files, which takes a tenth of a second. */
async function surelyFits(path: string): Promise<boolean> {
  const files = await filesAt(await placeOf(path));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return MOST_TIMES_FILES * bytes < systemMemory().freeBytes;
}

/**
 * Says before anything is read that a model does not fit. What the CPU kernels need is the least that any executor does.
 * @throws EngineError OUT_OF_MEMORY with the numbers
 */
async function refuseTooLarge(client: EngineClient, modelId: string): Promise<void> {
  const { memory, memoryLimit, contextSize } = await client.call('describe', { modelId });
  const tokens = defaultContext(contextSize);
  const needed = memoryAt(memory, tokens).total;
  const fit = fitOf({ needed, free: systemMemory().freeBytes, held: 0, limit: memoryLimit });
  if (fit.verdict !== 'too-large') return;
  throw new EngineError('OUT_OF_MEMORY', formatFit(fit, tokens), { needed, available: fit.available });
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
