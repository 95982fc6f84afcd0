import { InvalidArgumentError } from 'commander';
import { readFileSync, statSync } from 'node:fs';
import { decodeUtf8 } from './text-input.ts';

/** More than the maximum size of a grammar, schema or template. */
const MAX_BYTES = 1024 * 1024;

/** Reads the text of a small file named by an option. @throws InvalidArgumentError, UsageError when it is not UTF-8 */
export function readSourceFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes; the limit is ${MAX_BYTES}`);
    return decodeUtf8(readFileSync(path), path).replace(/^\ufeff/, '');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`Cannot read the file: ${reason}.`);
  }
}
