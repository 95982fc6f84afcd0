import type { FoundFile } from './walk.ts';

/** A model on disk: one file, several parts, or a folder. */
export interface ModelOnDisk {
  path: string;
  name: string;
  bytes: number;
}

const PART = /^(.*-)(\d{5})(-of-\d{5}\.gguf)$/i;
/** Multimodal projectors, which are not models of their own. */
const PROJECTOR = /(^|\/)mmproj[^/]*$/i;

/** Finds models among files: GGUF files, with parts combined, and folders with config.json and safetensors. */
export function modelsIn(files: readonly FoundFile[]): ModelOnDisk[] {
  const ggufs = files.filter(({ relative }) => /\.gguf$/i.test(relative) && !PROJECTOR.test(relative));
  const models = ggufs.flatMap((file): ModelOnDisk[] => {
    const part = PART.exec(file.relative);
    if (part === null) return [{ path: file.path, name: nameOf(file.relative), bytes: file.size }];
    const parts = ggufs.filter(({ relative }) => {
      const other = PART.exec(relative);
      return other?.[1] === part[1] && other?.[3] === part[3];
    });
    if (parts[0] !== file) return [];
    return [{ path: file.path, name: nameOf(part[1] ?? ''), bytes: sizeOf(parts) }];
  });
  const configs = files.filter(({ relative }) => /(^|\/)config\.json$/.test(relative));
  for (const config of configs) {
    const folder = config.relative.slice(0, -'config.json'.length);
    const own = files.filter(
      ({ relative }) => relative.startsWith(folder) && !relative.slice(folder.length).includes('/'),
    );
    if (!own.some(({ relative }) => relative.endsWith('.safetensors'))) continue;
    const path = config.path.slice(0, -'/config.json'.length);
    models.push({ path, name: nameOf(folder.slice(0, -1)), bytes: sizeOf(own) });
  }
  return models;
}

function nameOf(relative: string): string {
  return (relative.split('/').at(-1) ?? '').replace(/\.gguf$/i, '').replace(/-$/, '');
}

function sizeOf(files: readonly FoundFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
