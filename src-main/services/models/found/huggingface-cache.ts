/**
 * The cache folder of Hugging Face's tools: `models--OWNER--NAME/snapshots/COMMIT/`, whose files are links to `blobs/`.
 * The oldest repositories have no owner: `models--gpt2`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelsIn, type ModelOnDisk } from './models-in-files.ts';
import { walk, type WalkLimits } from './walk.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const LIMITS: WalkLimits = { depth: 2, entries: 500 };
const MAX_REPOSITORIES = 300;

export function huggingfaceCache(env: Environment, home: string): string {
  const hub = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  if (hub) return hub;
  return join(env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface'), 'hub');
}

/** @throws the system's error when the folder cannot be read */
export async function modelsInHuggingfaceCache(folder: string): Promise<{ models: ModelOnDisk[]; limited: boolean }> {
  const names = (await readdir(folder)).filter((name) => /^models--[^-]/.test(name)).sort();
  const models: ModelOnDisk[] = [];
  let limited = names.length > MAX_REPOSITORIES;
  for (const name of names.slice(0, MAX_REPOSITORIES)) {
    const repository = join(folder, name);
    const snapshot = await snapshotOf(repository).catch(() => null);
    if (snapshot === null) continue;
    const found = await walk(snapshot, folder, LIMITS).catch(() => ({ files: [], limited: false }));
    limited ||= found.limited;
    const title = name.slice('models--'.length).replaceAll('--', '/');
    for (const model of modelsIn(found.files)) {
      const isFolder = model.path === snapshot;
      models.push({ ...model, name: isFolder ? title : `${title}, ${model.name}` });
    }
  }
  return { models, limited };
}

/** The snapshot of `main`, else any. */
async function snapshotOf(repository: string): Promise<string | null> {
  const snapshots = await readdir(join(repository, 'snapshots'));
  const main = await readFile(join(repository, 'refs', 'main'), 'utf8').catch(() => '');
  const commit = snapshots.find((name) => name === main.trim()) ?? snapshots.sort().at(-1);
  return commit === undefined ? null : join(repository, 'snapshots', commit);
}
