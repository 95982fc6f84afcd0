/** LM Studio's models: `OWNER/NAME/FILE.gguf`. */
import { join } from 'node:path';
import { modelsIn, type ModelOnDisk } from './models-in-files.ts';
import { walk } from './walk.ts';

/** Its current models folder, and the earlier one. */
export function lmstudioFolders(home: string): string[] {
  return [join(home, '.lmstudio', 'models'), join(home, '.cache', 'lm-studio', 'models')];
}

/** @throws the system's error when the folder cannot be read */
export async function modelsInLmstudio(folder: string): Promise<{ models: ModelOnDisk[]; limited: boolean }> {
  const { files, limited } = await walk(folder, folder, { depth: 3, entries: 5000 });
  return { models: modelsIn(files), limited };
}
