/** Walks other programs' folders: never outside of them, in cycles, or without limits. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { codeOf } from '../../json-file.ts';

export interface FoundFile {
  path: string;
  /** Relative to the folder, with slashes. */
  relative: string;
  size: number;
}

export interface Walk {
  files: FoundFile[];
  /** Whether a limit was reached. */
  limited: boolean;
}

export interface WalkLimits {
  /** Maximum depth below the first folder. */
  depth: number;
  /** Maximum number of entries. */
  entries: number;
}

/**
 * All files below a folder. Links to folders are not followed; links to files count if the file is inside `root`.
 * @param root the outer folder, for example a cache whose files are links to another of its folders
 * @throws the system's error when the folder itself cannot be read; unreadable subfolders are skipped
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

/** Size of a file that really is inside a folder; null for anything else, for example a cyclic link. */
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
