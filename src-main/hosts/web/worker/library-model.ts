import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelFiles } from '../../../engine/api/platform.ts';
import { MODELS_ROUTE, type AppAnswer, type ServedModel } from '../../../protocol/app/app-bridge.ts';
import { KnownHost } from '../../../protocol/app/known-host.ts';
import { fromErrorPayload } from '../../../protocol/errors.ts';
import { isModelId } from '../../../protocol/fields.ts';
import { fetchFailed, openedOnce, openHttpByteSource } from './http-byte-source.ts';

/**
 * The models of the library, whose files are on the web host's computer.
 * @param token of this start of the web host; empty without one
 * @returns opens one; null for an unknown id. Throws MODEL_NOT_FOUND when its files are gone, MODEL_IO when the web host
 * cannot be reached
 */
export function libraryModels(
  token: string,
  fetchFile: typeof fetch = fetch,
  origin = location.origin,
): (id: string) => Promise<ModelFiles | null> {
  // The host has just sent this script. Another program may have its port when a later model is opened.
  let isKnown = true;
  return async (id) => {
    if (token === '' || !isModelId(id)) return null;
    const host = new KnownHost({ key: token, origin, fetcher: fetchFile, isKnown });
    isKnown = false;
    const model = await served(`${MODELS_ROUTE}/${id}`, host.fetch);
    if (model === null) return null;
    return {
      id,
      name: model.name,
      names: model.files.map(({ name }) => name),
      stamp: model.stamp,
      open: openedOnce(async (name) => {
        if (model.files.some((file) => file.name === name)) {
          return openHttpByteSource(`${MODELS_ROUTE}/${id}/${encodeURIComponent(name)}`, host.fetch);
        }
        throw new EngineError('MODEL_NOT_FOUND', `The model "${model.name}" has no file ${name}.`, { file: name });
      }),
    };
  };
}

async function served(url: string, fetchFile: typeof fetch): Promise<ServedModel | null> {
  let answer: AppAnswer<ServedModel | null>;
  try {
    const response = await fetchFile(url);
    answer = (await response.json()) as AppAnswer<ServedModel | null>;
  } catch (error) {
    throw fetchFailed(url, error);
  }
  if ('error' in answer) throw fromErrorPayload(answer.error);
  return answer.result;
}
