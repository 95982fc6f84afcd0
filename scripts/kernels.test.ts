import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { int8 } from './kernels/int8.ts';
import { LAYOUTS } from './kernels/layouts.ts';
import { root } from './lib/run.ts';

test('no file of the kernels, or of their templates, is longer than 300 lines', async () => {
  const long: string[] = [];
  for (const folder of ['src-main/kernels', 'scripts/kernels']) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (!name.endsWith('.ts')) continue;
      const lines = (await readFile(join(root, folder, name), 'utf8')).split('\n').length - 1;
      if (lines > 300) long.push(`${folder}/${name}: ${lines}`);
    }
  }
  expect(long).toEqual([]);
});

test.each(LAYOUTS)('$name has kernels for one row, with streams and without, and for four', ({ name }) => {
  const text = int8();
  const functions = [...text.matchAll(/^function (\w+)\(/gm)].map(([, found]) => found);
  expect(functions).toEqual(expect.arrayContaining([`row${name}`, `rowOfStreams${name}`, `unpack${name}`]));
  expect(functions.length).toBe(new Set(functions).size);
  const choice = text.slice(text.indexOf('export function fourRows('));
  if (name !== LAYOUTS.at(-1)!.name) expect(choice).toContain(`case LAYOUT_${name}:`);
});
