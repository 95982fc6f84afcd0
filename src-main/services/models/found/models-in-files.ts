import { ggufModelOf, ggufTitle, isGguf, isProjector } from '../../../engine/api/model-file-rules.ts';
import type { FoundFile } from './walk.ts';

/** A model on disk: one file, several parts, or a folder. */
export interface ModelOnDisk {
  path: string;
  name: string;
  bytes: number;
}

/** Finds models among files: GGUF files, with parts combined, and folders with config.json and safetensors. */
export function modelsIn(files: readonly FoundFile[]): ModelOnDisk[] {
  const byModel = new Map<string, FoundFile[]>();
  for (const file of files) {
    const { relative } = file;
    if (!isGguf(relative) || isProjector(relative)) continue;
    const parts = byModel.get(ggufModelOf(relative));
    if (parts === undefined) byModel.set(ggufModelOf(relative), [file]);
    else parts.push(file);
  }
  const models = [...byModel.values()].map((parts): ModelOnDisk => {
    const [first] = parts;
    return { path: first.path, name: ggufTitle(lastOf(first.relative)), bytes: sizeOf(parts) };
  });
  const configs = files.filter(({ relative }) => /(^|\/)config\.json$/.test(relative));
  for (const config of configs) {
    const folder = config.relative.slice(0, -'config.json'.length);
    const own = files.filter(
      ({ relative }) => relative.startsWith(folder) && !relative.slice(folder.length).includes('/'),
    );
    if (!own.some(({ relative }) => relative.endsWith('.safetensors'))) continue;
    const path = config.path.slice(0, -'/config.json'.length);
    models.push({ path, name: lastOf(folder.slice(0, -1)), bytes: sizeOf(own) });
  }
  return models;
}

function lastOf(relative: string): string {
  return relative.split('/').at(-1) ?? '';
}

function sizeOf(files: readonly FoundFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
