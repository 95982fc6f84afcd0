/** Which npm packages are in the built app: recorded by the bundler, since nothing of node_modules is shipped as it is. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';

const FOLDER = join('out', '.packages');

/** Of packages whose package.json names no licence, by their licence files. */
const LICENCES: Readonly<Record<string, string>> = { 'svelte-toolbelt': 'MIT' };

export interface BundledPackage {
  name: string;
  version: string;
  /** SPDX expression. */
  license: string;
  /** Path of the package, from the project's root. */
  folder: string;
}

/** Records the packages of one build in out/.packages. @param part name of the record */
export function recordPackages(projectRoot: string, part: string): Plugin {
  const folders = new Set<string>();
  return {
    name: 'record-packages',
    async generateBundle() {
      for (const id of this.getModuleIds()) {
        const folder = packageFolder(relative(projectRoot, id.replace(/^\0+/, '')));
        if (folder !== null) folders.add(folder);
      }
      await mkdir(join(projectRoot, FOLDER), { recursive: true });
      await writeFile(join(projectRoot, FOLDER, `${part}.json`), JSON.stringify([...folders].sort(), null, 2));
    },
  };
}

/** `node_modules/a/node_modules/@b/c/lib/d.js` belongs to `node_modules/a/node_modules/@b/c`. */
export function packageFolder(path: string): string | null {
  const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path.replaceAll(sep, '/'));
  return match?.[0] ?? null;
}

/** @throws Error if the app was not built */
export async function bundledPackages(projectRoot: string): Promise<BundledPackage[]> {
  const records = await readdir(join(projectRoot, FOLDER));
  const lists = records.map(
    async (file) => JSON.parse(await readFile(join(projectRoot, FOLDER, file), 'utf8')) as string[],
  );
  const folders = [...new Set((await Promise.all(lists)).flat())].sort();
  const packages = await Promise.all(
    folders.map(async (folder) => {
      const manifest = JSON.parse(await readFile(join(projectRoot, folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
        license?: string;
      };
      return {
        name: manifest.name,
        version: manifest.version,
        license: manifest.license ?? LICENCES[manifest.name] ?? 'unknown',
        folder,
      };
    }),
  );
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}
