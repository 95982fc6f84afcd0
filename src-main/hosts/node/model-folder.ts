import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import { CONFIG_FILE } from '../../engine/api/model-file-rules.ts';
import type { ModelFiles } from '../../engine/api/platform.ts';
import { isModelId } from '../../protocol/fields.ts';
import { openFileByteSource } from './file-byte-source.ts';

/**
 * The files of the model `modelsDir/id`.
 * @throws EngineError MODEL_NOT_FOUND when there is no such folder, BAD_REQUEST when the id is not a plain folder name,
 * MODEL_IO when the folder cannot be read.
 */
export async function openModelFolder(modelsDir: string, id: string): Promise<ModelFiles> {
  if (!isModelId(id)) {
    throw new EngineError(
      'BAD_REQUEST',
      `"${id.slice(0, 100)}" is not a model id. Use the name of the model’s folder.`,
      {
        model: id.slice(0, 100),
      },
    );
  }
  const folder = join(modelsDir, id);
  const names = await fileNames(folder, id);
  return {
    id,
    names,
    async open(name) {
      if (names.includes(name)) return openFileByteSource(join(folder, name));
      throw new EngineError('MODEL_NOT_FOUND', `The model "${id}" has no file ${name} in ${folder}.`, {
        model: id,
        file: name,
      });
    },
  };
}

/** Ids of the models in `modelsDir`, sorted; none if the folder does not exist. */
export async function listModelIds(modelsDir: string): Promise<string[]> {
  const entries = await readdir(modelsDir, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw unreadable(modelsDir, error);
  });
  const ids: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || !isModelId(entry.name)) continue;
    if ((await readdir(join(modelsDir, entry.name))).includes(CONFIG_FILE)) ids.push(entry.name);
  }
  return ids.sort();
}

async function fileNames(folder: string, id: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (!isMissing(error)) throw unreadable(folder, error);
    throw new EngineError('MODEL_NOT_FOUND', `There is no model "${id}": the folder ${folder} does not exist.`, {
      model: id,
      folder,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function unreadable(folder: string, error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EngineError('MODEL_IO', `Cannot read the folder ${folder}: ${reason}`, { folder });
}
