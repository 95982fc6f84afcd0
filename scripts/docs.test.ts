import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './lib/run.ts';

const TOP_FOLDERS = /^(src-main|src-renderer|scripts|e2e|resources|docs|bench|build)\//;

async function documents(): Promise<string[]> {
  const markdown = async (folder: string) =>
    (await readdir(join(root, folder))).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
  return [
    'README.md',
    'CONTRIBUTING.md',
    'src-main/README.md',
    'src-main/kernels/README.md',
    ...(await markdown('docs')),
    ...(await markdown('docs/decisions')),
    ...(await markdown('bench')),
    ...(await markdown('scripts/fixtures')),
    ...(await readdir(join(root, 'src-renderer'), { recursive: true }))
      .filter((name) => basename(name) === 'README.md')
      .map((name) => join('src-renderer', name).replaceAll('\\', '/')),
  ];
}

/** Whether a path in a README of the interface exists: in its folder, in `features` or in `src-renderer`. */
function isInInterface(path: string, document: string): boolean {
  const folders = [dirname(document), 'src-renderer/features', 'src-renderer'];
  return folders.some((folder) => existsSync(join(root, folder, path)));
}

test.each(await documents())('%s names only files that exist', async (document) => {
  const text = await readFile(join(root, document), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => join(dirname(document), path!));
  // Paths in code marks, relative to the project's root or, in a folder's README, to the folder.
  const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)].map(([, path]) => path!);
  const paths = named.flatMap((path) => {
    if (TOP_FOLDERS.test(path)) return [path];
    if (document.startsWith('src-renderer/')) return isInInterface(path, document) ? [] : [path];
    return document.startsWith('src-main/') && /^(engine|protocol|hosts|services|app)\//.test(path)
      ? [join('src-main', path)]
      : [];
  });
  const missing = [...links, ...paths].filter((path) => !existsSync(join(root, path)));
  expect(missing).toEqual([]);
});

test('the table of components lists those that exist', async () => {
  const text = await readFile(join(root, 'src-renderer/ui/README.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (`[^|]*`) +\|/gm)];
  const listed = rows.flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  const files = (await readdir(join(root, 'src-renderer/ui'))).filter((name) => name.endsWith('.svelte'));
  expect(listed.toSorted()).toEqual(files.map((name) => basename(name, '.svelte')).toSorted());
});
