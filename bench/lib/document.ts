/** Updates docs/performance.md: measured tables are between two marks, other text is kept. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'oxfmt';
import { root } from '../../scripts/lib/run.ts';

const PATH = join(root, 'docs', 'performance.md');
const BEGIN = '<!-- measured: npm run bench writes from here -->';
const END = '<!-- measured: to here -->';

/** @throws Error when the marks are missing */
export async function writeDocument(measured: string): Promise<string> {
  const text = await readFile(PATH, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PATH} has no "${BEGIN}" and "${END}".`);
  const next = `${text.slice(0, begin + BEGIN.length)}\n\n${measured}\n\n${text.slice(end)}`;
  const { code, errors } = await format(PATH, next);
  if (errors.length > 0) throw new Error(`${PATH}: ${errors.map(({ message }) => message).join(' ')}`);
  await writeFile(PATH, code);
  return PATH;
}
