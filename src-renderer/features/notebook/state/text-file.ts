import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { formatBytes } from '../../../ui/format.ts';

/** A notebook of this size still opens and saves quickly. */
const MAX_BYTES = 2 * 1024 * 1024;
/** Files that are opened as notebooks. */
export const TEXT_FILES = ['.txt', '.md'] as const;

/** The text file that was dropped alone, or null. */
export function textFileIn(files: ArrayLike<File>): File | null {
  const name = files.length === 1 ? files[0].name.toLowerCase() : '';
  return TEXT_FILES.some((extension) => name.endsWith(extension)) ? files[0] : null;
}

/** A text with `\n` at the end of lines, as in notebooks. */
export function withLineFeeds(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

/** The text of a file, with `\n` at the end of lines. @throws EngineError BAD_REQUEST if it is too large or not UTF-8 */
export async function readTextFile(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<string> {
  const { name, size } = file;
  if (size > MAX_BYTES) {
    const message = `${name} has ${formatBytes(size)}. Text files of up to ${formatBytes(MAX_BYTES)} can be opened.`;
    throw new EngineError('BAD_REQUEST', message);
  }
  const bytes = await file.arrayBuffer();
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) throw new TypeError('It has NUL characters.');
    return withLineFeeds(text);
  } catch {
    throw new EngineError('BAD_REQUEST', `${name} is not a text file in UTF-8. Save it as UTF-8 and open it again.`);
  }
}
