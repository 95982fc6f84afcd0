import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelFiles } from '../../../engine/api/platform.ts';
import { MODELS_ROUTE, TOKEN_HEADER, type AppAnswer, type ServedModel } from '../../../protocol/app/app-bridge.ts';
import { fromErrorPayload } from '../../../protocol/errors.ts';
import { isModelId } from '../../../protocol/fields.ts';
import { openHttpByteSource } from './http-byte-source.ts';

/**
 * The files of a model of the library, on the web host's computer.
 * @param token of this start of the web host; empty without one
 * @returns null for an unknown id
 * @throws EngineError MODEL_NOT_FOUND when its files are gone, MODEL_IO when the web host cannot be reached
 */
export async function openLibraryModel(
  id: string,
  token: string,
  fetchFile: typeof fetch = fetch,
): Promise<ModelFiles | null> {
  if (token === '' || !isModelId(id)) return null;
  const authorized: typeof fetch = (url, init = {}) =>
    fetchFile(url, { ...init, headers: { ...(init.headers as Record<string, string>), [TOKEN_HEADER]: token } });
  const model = await served(`${MODELS_ROUTE}/${id}`, authorized);
  if (model === null) return null;
  return {
    id,
    name: model.name,
    names: model.files.map(({ name }) => name),
    stamp: model.stamp,
    async open(name) {
      if (model.files.some((file) => file.name === name)) {
        return openHttpByteSource(`${MODELS_ROUTE}/${id}/${encodeURIComponent(name)}`, authorized);
      }
      throw new EngineError('MODEL_NOT_FOUND', `The model "${model.name}" has no file ${name}.`, { file: name });
    },
  };
}

async function served(url: string, fetchFile: typeof fetch): Promise<ServedModel | null> {
  let answer: AppAnswer<ServedModel | null>;
  try {
    const response = await fetchFile(url);
    answer = (await response.json()) as AppAnswer<ServedModel | null>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError('MODEL_IO', `Cannot fetch ${url}: ${reason} Is Tokenscope still running?`, {
      file: url,
    });
  }
  if ('error' in answer) throw fromErrorPayload(answer.error);
  return answer.result;
}
