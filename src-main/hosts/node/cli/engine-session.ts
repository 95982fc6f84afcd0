import type { ExecutorName, ModelInfo } from '../../../engine/types.ts';
import type { EngineStreams } from '../../../protocol/api.ts';
import { EngineClient } from '../../../protocol/client.ts';
import { cancelled } from '../../../protocol/errors.ts';
import { spawnEngine } from '../spawn-engine.ts';
import type { CliContext } from './context.ts';
import { findModel } from './model-argument.ts';

export interface EngineSession {
  client: EngineClient;
  model: ModelInfo;
}

/**
 * Runs `work` with an engine in its own thread, so that Ctrl-C is heard while it computes, and a loaded model.
 *
 * @param model an id, or the path of a GGUF file or a model's folder
 * @throws EngineError MODEL_NOT_FOUND that names the models there are
 */
export async function withEngine<T>(
  context: CliContext,
  model: string,
  work: (session: EngineSession) => Promise<T>,
  options: { executor?: ExecutorName; threads?: number } = {},
): Promise<T> {
  const { modelId, modelPaths } = await findModel(context.modelsDir, model);
  const { transport, terminate } = spawnEngine({ ...context, modelPaths });
  const client = new EngineClient(transport);
  try {
    return await work({ client, model: await loadModel(client, { modelId, ...options }, context.signal) });
  } finally {
    client.close();
    await terminate();
  }
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
