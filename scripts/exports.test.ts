import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './lib/run.ts';

/** All files with code, by name. */
async function texts(): Promise<Map<string, string>> {
  const patterns = ['*.ts', '*.mjs', '*.js', '*.svelte', '*.html'];
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  // A deleted file is listed until it is committed.
  const read = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8').catch(() => '')));
  return new Map(files.map((file, i) => [file, read[i] ?? '']));
}

/** Values that are exported where they are declared. Types are exported for whoever names what a function takes. */
function exportedValues(text: string): string[] {
  const declared = text.matchAll(/^export (?:async |abstract )?(?:const|let|function\*?|class|enum) (\w+)/gm);
  return [...declared].flatMap(([, name]) => name ?? []);
}

test('no value is exported that no other file names', async () => {
  const sources = await texts();
  const filesByName = new Map<string, number>();
  for (const text of sources.values()) {
    for (const name of new Set(text.match(/[A-Za-z_$][\w$]*/g)))
      filesByName.set(name, (filesByName.get(name) ?? 0) + 1);
  }
  // The kernels are another language, whose exports WebAssembly names.
  const exported = [...sources].flatMap(([file, text]) => {
    const isSource = /^(src-|bench|scripts)/.test(file) && !/^src-main\/kernels\/|\.test\.ts$|\.d\.m?ts$/.test(file);
    return isSource && file.endsWith('.ts') ? exportedValues(text).map((name) => `${name} in ${file}`) : [];
  });
  expect(exported.length).toBeGreaterThan(1000);
  expect(exported.filter((name) => filesByName.get(name.split(' ')[0] ?? '') === 1)).toEqual([]);
});
