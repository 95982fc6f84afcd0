/** Finds models in other programs' folders. Never changes anything there. */
import { createHash } from 'node:crypto';
import type { FoundModel, FoundModels, SearchedFolder } from '../../../protocol/app/app-services.ts';
import { homeFolder } from '../../data-folder.ts';
import { codeOf } from '../../json-file.ts';
import { huggingfaceCache, modelsInHuggingfaceCache } from './huggingface-cache.ts';
import { lmstudioFolders, modelsInLmstudio } from './lmstudio.ts';
import type { ModelOnDisk } from './models-in-files.ts';
import { modelsInOllama, ollamaFolders } from './ollama.ts';

interface Place {
  source: FoundModel['source'];
  folder: string;
  look(folder: string): Promise<{ models: ModelOnDisk[]; limited: boolean }>;
}

export interface FindOptions {
  env?: Readonly<Record<string, string | undefined>>;
  home?: string;
  platform?: NodeJS.Platform;
}

/** @param known the library's models, by path */
export async function findModels(
  known: readonly { id: string; path: string }[],
  { env = process.env, home = homeFolder(), platform = process.platform }: FindOptions = {},
): Promise<FoundModels> {
  const places: Place[] = [
    { source: 'huggingface-cache', folder: huggingfaceCache(env, home), look: modelsInHuggingfaceCache },
    ...ollamaFolders(env, home, platform).map((folder): Place => ({ source: 'ollama', folder, look: modelsInOllama })),
    ...lmstudioFolders(home).map((folder): Place => ({ source: 'lmstudio', folder, look: modelsInLmstudio })),
  ];
  const looked = await Promise.all(places.map((place) => lookInto(place, known)));
  return { places: looked.map(({ place }) => place), models: oneForEachPath(looked.flatMap(({ models }) => models)) };
}

/** Ollama may have several names for one file, and two programs may share a folder: the first name counts. */
function oneForEachPath(models: readonly FoundModel[]): FoundModel[] {
  const byPath = new Map<string, FoundModel>();
  for (const model of models) if (!byPath.has(model.path)) byPath.set(model.path, model);
  return [...byPath.values()];
}

async function lookInto(
  { source, folder, look }: Place,
  known: readonly { id: string; path: string }[],
): Promise<{ place: SearchedFolder; models: FoundModel[] }> {
  try {
    const { models, limited } = await look(folder);
    const found = models.map(({ path, name, bytes }) => ({
      id: idOf(path),
      source,
      name,
      path,
      bytes,
      modelId: known.find((model) => model.path === path)?.id ?? null,
    }));
    return { place: { source, folder, state: limited ? 'limited' : 'read' }, models: found };
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    return { place: { source, folder, state: isMissing ? 'missing' : 'unreadable' }, models: [] };
  }
}

/** Stable, so that a page can refer to a model it was shown. */
function idOf(path: string): string {
  return `found-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`;
}
