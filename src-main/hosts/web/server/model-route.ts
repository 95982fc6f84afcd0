/**
 * Serves the files of the library's models to the page's engine: `/api/models/ID` lists them, `/api/models/ID/NAME` is
 * one. Only files of the library are ever read; no path comes from a page.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppAnswer, ServedModel } from '../../../protocol/app/app-bridge.ts';
import { isModelId } from '../../../protocol/fields.ts';
import { answer } from '../../../services/answer.ts';
import type { LocatedFile } from '../../../services/models/model-location.ts';
import { Refusal } from './requests.ts';
import { sendFile } from './send-file.ts';

/** The files of a model of the library; null for an unknown id. */
export type FilesOfModel = (id: string) => Promise<{ name: string; files: LocatedFile[] } | null>;

const NOTHING = 'Not found.';

/**
 * @param path the part after `/api/models/`
 * @returns the list of files, to be sent as JSON; null when a file was sent
 * @throws Refusal
 */
export async function respondWithModel(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  filesOf: FilesOfModel,
): Promise<AppAnswer<ServedModel | null> | null> {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal(405, 'Use GET for files.');
  const [id = '', name, ...more] = path.split('/').map(decoded);
  if (!isModelId(id) || more.length > 0) throw new Refusal(404, NOTHING);
  if (name === undefined) {
    return await answer(async () => {
      const model = await filesOf(id);
      if (model === null) return null;
      const files = model.files.map(({ name, size }) => ({ name, size }));
      return { name: model.name, files, stamp: stampOf(model.files) };
    });
  }
  const model = await filesOf(id).catch(() => null);
  const file = model?.files.find((candidate) => candidate.name === name);
  if (file === undefined) throw new Refusal(404, NOTHING);
  await sendFile({ path: file.path, size: file.size, caching: 'no-store' }, request, response);
  return null;
}

/** Does not reveal the paths of the files. */
function stampOf(files: readonly LocatedFile[]): string {
  const facts = files.map(({ path, size, mtimeNs }) => [path, size, String(mtimeNs)]);
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal(404, NOTHING);
  }
}
