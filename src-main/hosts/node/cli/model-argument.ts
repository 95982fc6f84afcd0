import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError } from '../../../engine/errors.ts';
import type { ModelFiles } from '../../../engine/platform.ts';
import { listModelIds, openModelFolder } from '../model-folder.ts';
import { modelIdOfPath, openModelPath } from '../model-path.ts';

/**
 * What `--model` names: an id, or the path of a model anywhere.
 * @returns the id that the engine is asked for, and where models outside of `modelsDir` lie, by their ids
 * @throws EngineError MODEL_NOT_FOUND that names the models there are
 */
export async function findModel(
  modelsDir: string,
  model: string,
): Promise<{ modelId: string; modelPaths: Readonly<Record<string, string>> }> {
  const ids = await listModelIds(modelsDir);
  if (ids.includes(model)) return { modelId: model, modelPaths: {} };
  if (existsSync(model) || /[/\\]|\.gguf$/i.test(model)) {
    const modelId = modelIdOfPath(model);
    return { modelId, modelPaths: { [modelId]: resolve(model) } };
  }
  const known = ids.length === 0 ? `${modelsDir} holds no model` : `The models are: ${ids.join(', ')}`;
  throw new EngineError('MODEL_NOT_FOUND', `There is no model "${model}". ${known}.`, {
    model,
    models: ids.join(', '),
  });
}

/**
 * The files of the model that an id or a path names, for commands that need no engine.
 * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST, MODEL_IO
 */
export async function openModelArgument(modelsDir: string, model: string): Promise<ModelFiles> {
  const { modelId, modelPaths } = await findModel(modelsDir, model);
  return Object.hasOwn(modelPaths, modelId) ? openModelPath(modelPaths[modelId]) : openModelFolder(modelsDir, modelId);
}
