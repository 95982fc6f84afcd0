/**
 * Prints every user-visible text of the source, one per line with its position: text of components, labels, error
 * messages, terminal output. For a reviewer who knows the terms of scripts/dictionary.test.ts. With `--pot`, as a gettext template for translators.
 *
 *     npx tsx scripts/list-strings.ts [--pot] [FOLDER]
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './lib/run.ts';
import { potOf, textsIn } from './lib/texts.ts';

const FOLDERS = ['src-main', 'src-renderer'];
const NOT_PRODUCT = /\.test\.ts$|test-support|\.fused\.ts$|src-main\/kernels\/|\.d\.ts$/;

const { values, positionals } = parseArgs({ options: { pot: { type: 'boolean' } }, allowPositionals: true });
const texts: { path: string; line: number; text: string }[] = [];
for (const folder of positionals.length > 0 ? positionals : FOLDERS) {
  for (const name of (await readdir(join(root, folder), { recursive: true })).sort()) {
    const path = `${folder}/${name}`;
    if (!/\.(ts|svelte)$/.test(path) || NOT_PRODUCT.test(path)) continue;
    const source = await readFile(join(root, path), 'utf8');
    for (const text of textsIn(path, source)) texts.push({ path, ...text });
  }
}
if (values.pot) console.log(potOf(texts));
else for (const { path, line, text } of texts) console.log(`${path}:${line}\t${text.replaceAll('\n', '\\n')}`);
