import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import { isGguf } from '../../../engine/api/model-file-rules.ts';
import { openTokenizer, type Tokenizer } from '../../../engine/index.ts';
import type { ModelFiles } from '../../../engine/api/platform.ts';
import { dataFolder } from '../../../services/data-folder.ts';
import { codeOf } from '../../../services/json-file.ts';
import { ModelLibrary } from '../../../services/models/library.ts';
import { listModelIds, openModelFolder } from '../model-folder.ts';
import { modelIdOfPath, openModelPath } from '../model-path.ts';
import type { CliContext } from './context.ts';

export interface ModelArgument {
  /** Id for the engine's requests. */
  modelId: string;
  /** Paths of models outside of `modelsDir`, by id. */
  modelPaths: Readonly<Record<string, string>>;
  isInLibrary: boolean;
}

/** Where the built-in models are, and where warnings go. */
type ModelContext = Pick<CliContext, 'modelsDir' | 'err'>;

/** The library, which the terminal shares with the app. @param reservedIds of the built-in models */
export function userLibrary({ err }: Pick<CliContext, 'err'>, reservedIds: readonly string[] = []): ModelLibrary {
  return new ModelLibrary(dataFolder(), reservedIds, (message) => void err.line(`tokenscope: ${message}`));
}

/**
 * Resolves `--model`: an id, or a model's path.
 * @throws EngineError MODEL_NOT_FOUND with the available models, or with the path that does not exist
 */
export async function findModel(context: ModelContext, model: string): Promise<ModelArgument> {
  const found = await lookUp(context, model);
  if (!(found instanceof EngineError)) return found;
  if (!existsSync(model) && !/[/\\]/.test(model) && !isGguf(model)) throw found;
  const modelId = modelIdOfPath(model);
  return { modelId, modelPaths: { [modelId]: await existingPath(model) }, isInLibrary: false };
}

/**
 * The built-in or library model with an id from a file, which may come from anybody: it is never read as a path.
 * @throws EngineError MODEL_NOT_FOUND with the available models
 */
export async function findModelById(context: ModelContext, id: string): Promise<ModelArgument> {
  const found = await lookUp(context, id);
  if (found instanceof EngineError) throw found;
  return found;
}

/** @returns MODEL_NOT_FOUND with the available models if there is none with this id */
async function lookUp({ modelsDir, err }: ModelContext, id: string): Promise<ModelArgument | EngineError> {
  const ids = await listModelIds(modelsDir);
  if (ids.includes(id)) return { modelId: id, modelPaths: {}, isInLibrary: false };
  const library = userLibrary({ err }, ids);
  await library.read();
  const added = library.find(id);
  if (added !== null) return { modelId: added.id, modelPaths: { [added.id]: added.path }, isInLibrary: true };
  const all = [...ids, ...library.models.map((model) => model.id)];
  const known = all.length === 0 ? `${modelsDir} contains no models` : `Models: ${all.join(', ')}`;
  const message = `There is no model "${id}". ${known}.`;
  return new EngineError('MODEL_NOT_FOUND', message, { model: id, models: all.join(', ') });
}

/**
 * The absolute path of what a person named. It may never have existed, so nothing is said about moved files.
 * @throws EngineError MODEL_NOT_FOUND if nothing is there
 */
export async function existingPath(path: string): Promise<string> {
  const absolute = resolve(path);
  const problem = await stat(absolute).then(() => null, codeOf);
  if (problem === 'ENOENT' || problem === 'ENOTDIR') {
    throw new EngineError('MODEL_NOT_FOUND', `${absolute} does not exist.`, { path: absolute });
  }
  return absolute;
}

/**
 * The files of the model with an id or a path, for commands without an engine.
 * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST, MODEL_IO
 */
export async function openModelArgument(surroundings: ModelContext, model: string): Promise<ModelFiles> {
  return openFoundModel(surroundings, await findModel(surroundings, model));
}

/** As `openModelArgument`, for a model that was found. */
export async function openFoundModel(
  { modelsDir }: ModelContext,
  { modelId, modelPaths }: ModelArgument,
): Promise<ModelFiles> {
  if (!Object.hasOwn(modelPaths, modelId)) return openModelFolder(modelsDir, modelId);
  const files = await openModelPath(modelPaths[modelId]);
  return { ...files, id: modelId };
}

/**
 * The tokenizer of the model with an id or a path, read without its weights. A path may also refer to a GGUF file without
 * weights or a tokenizer.json.
 * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST, MODEL_FORMAT, UNSUPPORTED_TOKENIZER, MODEL_IO
 */
export async function openTokenizerArgument(surroundings: ModelContext, model: string): Promise<Tokenizer> {
  const warn = (message: string) => void surroundings.err.line(`tokenscope: ${message}`);
  return openTokenizer(await openModelArgument(surroundings, model), warn);
}
