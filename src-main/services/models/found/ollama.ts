/** Ollama's models: named manifests that refer to GGUF files by hash, without an extension. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import * as v from 'valibot';
import { beginsLikeGguf } from '../model-location.ts';
import type { ModelOnDisk } from './models-in-files.ts';
import { walk, type FoundFile } from './walk.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MODEL_LAYER = 'application/vnd.ollama.image.model';

const manifest = v.object({
  layers: v.pipe(v.array(v.object({ mediaType: v.string(), digest: v.string() })), v.maxLength(1000)),
});

/** Possible folders of its models: the user's, and the service's on Linux. */
export function ollamaFolders(env: Environment, home: string, platform: NodeJS.Platform): string[] {
  if (env.OLLAMA_MODELS) return [env.OLLAMA_MODELS];
  const own = join(home, '.ollama', 'models');
  return platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

/** @throws the system's error when there is no folder of manifests */
export async function modelsInOllama(folder: string): Promise<{ models: ModelOnDisk[]; limited: boolean }> {
  // HOST/NAMESPACE/MODEL/TAG
  const { files, limited } = await walk(join(folder, 'manifests'), folder, { depth: 4, entries: 2000 });
  const inside = `${await realpath(folder)}${sep}`;
  const models: ModelOnDisk[] = [];
  for (const file of files) {
    const path = await blobOf(file, folder).catch(() => null);
    const bytes = path === null ? null : await ggufBytes(path, inside).catch(() => null);
    if (path !== null && bytes !== null) models.push({ path, name: nameOf(file.relative), bytes });
  }
  return { models, limited };
}

/** The file of a manifest; null when it has none. A digest must be a hash, never a path. */
async function blobOf({ path, size }: FoundFile, folder: string): Promise<string | null> {
  if (size > MAX_MANIFEST_BYTES) return null;
  const parsed = v.safeParse(manifest, JSON.parse(await readFile(path, 'utf8')) as unknown);
  if (!parsed.success) return null;
  const layer = parsed.output.layers.find(({ mediaType }) => mediaType === MODEL_LAYER);
  const hash = /^sha256:([0-9a-f]{64})$/.exec(layer?.digest ?? '')?.[1];
  return hash === undefined ? null : join(folder, 'blobs', `sha256-${hash}`);
}

/** Size of a GGUF file inside Ollama's folder; null for anything else. */
async function ggufBytes(path: string, inside: string): Promise<number | null> {
  if (!(await realpath(path)).startsWith(inside)) return null;
  return (await beginsLikeGguf(path)) ? (await stat(path)).size : null;
}

/** `llama3.2:1b`, or `owner/model:tag` for models of other owners. */
function nameOf(relative: string): string {
  const [tag = '', model = '', ...before] = relative.split('/').reverse();
  const [owner = 'library'] = before;
  return owner === 'library' ? `${model}:${tag}` : `${owner}/${model}:${tag}`;
}
