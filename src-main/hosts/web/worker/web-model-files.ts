import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelFiles } from '../../../engine/api/platform.ts';
import { isModelId } from '../../../protocol/fields.ts';
import { httpFile, openedOnce, openHttpByteSource } from './http-byte-source.ts';

/** A web server does not list folders, so these names are tried. */
const EXPECTED_NAMES = ['config.json', 'tokenizer.json', 'model.safetensors'];

/**
 * The files of a model at `/models/<id>/` of the page's own origin.
 * @throws EngineError MODEL_NOT_FOUND when the server has none of them, MODEL_IO when it cannot be reached, BAD_REQUEST
 * when the id is not a plain folder name.
 */
export async function openWebModel(id: string, fetchFile: typeof fetch = fetch): Promise<ModelFiles> {
  if (!isModelId(id)) {
    throw new EngineError('BAD_REQUEST', `"${id.slice(0, 100)}" is not a model id.`, { model: id.slice(0, 100) });
  }
  const urlOf = (name: string) => `/models/${id}/${name}`;
  const answers = await Promise.all(EXPECTED_NAMES.map((name) => httpFile(urlOf(name), fetchFile)));
  const known = new Map(EXPECTED_NAMES.map((name, at) => [name, answers[at] ?? undefined]));
  const names = EXPECTED_NAMES.filter((name) => known.get(name) !== undefined);
  if (names.length === 0) {
    throw new EngineError('MODEL_NOT_FOUND', `There is no model "${id}" at /models/${id}/.`, { model: id });
  }
  const open = openedOnce((name) => openHttpByteSource(urlOf(name), fetchFile, known.get(name)));
  return { id, names, open };
}
