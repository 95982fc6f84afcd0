import { EngineError } from '../../../engine/errors.ts';
import type { ModelInfo } from '../../../engine/types.ts';
import { EngineClient } from '../../../protocol/client.ts';
import { cancelled } from '../../../protocol/errors.ts';
import { listModelIds } from '../model-folder.ts';
import { spawnEngine } from '../spawn-engine.ts';
import type { CliContext } from './context.ts';

export interface EngineSession {
  client: EngineClient;
  model: ModelInfo;
}

/**
 * Runs `work` with an engine in its own thread, so that Ctrl-C is heard while it computes, and a loaded model.
 *
 * @throws EngineError MODEL_NOT_FOUND that names the models there are
 */
export async function withEngine<T>(
  context: CliContext,
  modelId: string,
  work: (session: EngineSession) => Promise<T>,
): Promise<T> {
  await requireModel(context.modelsDir, modelId);
  const { transport, terminate } = spawnEngine(context);
  const client = new EngineClient(transport);
  try {
    return await work({ client, model: await loadModel(client, modelId, context.signal) });
  } finally {
    client.close();
    await terminate();
  }
}

async function requireModel(modelsDir: string, modelId: string): Promise<void> {
  const ids = await listModelIds(modelsDir);
  if (ids.includes(modelId)) return;
  const known = ids.length === 0 ? `${modelsDir} holds no model` : `The models are: ${ids.join(', ')}`;
  throw new EngineError('MODEL_NOT_FOUND', `There is no model "${modelId}". ${known}.`, {
    model: modelId,
    models: ids.join(', '),
  });
}

async function loadModel(client: EngineClient, modelId: string, signal: AbortSignal): Promise<ModelInfo> {
  for await (const event of client.stream('load', { modelId }, { signal })) {
    if (event.type === 'loaded') return event.model;
  }
  throw cancelled();
}
