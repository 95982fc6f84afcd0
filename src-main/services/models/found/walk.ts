/** Looking through other programs' folders: never out of them, never in circles, never without end. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { codeOf } from '../../json-file.ts';

export interface FoundFile {
  path: string;
  /** Below the folder that was looked through, with slashes. */
  relative: string;
  size: number;
}

export interface Walk {
  files: FoundFile[];
  /** There was more than is looked at. */
  limited: boolean;
}

export interface WalkLimits {
  /** Folders below the first. */
  depth: number;
  /** Entries in all. */
  entries: number;
}

/**
 * All files below a folder. Links to folders are not followed; links to files count if the file lies inside `root`.
 * @param root the whole place, for example a cache whose files are links into another of its folders
 * @throws the system's error when the folder itself cannot be read; what lies below it and cannot be read is left out
 */
export async function walk(folder: string, root: string, limits: WalkLimits): Promise<Walk> {
  const inside = `${await realpath(root)}${sep}`;
  const result: Walk = { files: [], limited: false };
  let left = limits.entries;

  async function into(place: string, relative: string, depth: number): Promise<void> {
    const entries = await readdir(place, { withFileTypes: true }).catch((error: unknown) => {
      if (depth === 0) throw error;
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (left-- <= 0) {
        result.limited = true;
        return;
      }
      const path = join(place, entry.name);
      const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (depth < limits.depth) await into(path, name, depth + 1);
        continue;
      }
      const size = await sizeInside(path, inside);
      if (size !== null) result.files.push({ path, relative: name, size });
    }
  }
  await into(folder, '', 0);
  return result;
}

/** Bytes of a file that really lies inside a place; null for anything else, for example a link that leads in a circle. */
async function sizeInside(path: string, inside: string): Promise<number | null> {
  try {
    const real = await realpath(path);
    if (!real.startsWith(inside)) return null;
    const found = await stat(real);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return null;
  }
}
