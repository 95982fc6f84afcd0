import { EngineError } from '../errors.ts';
import { readExactly } from '../formats/read-exactly.ts';
import type { ByteSource } from '../platform.ts';

/**
 * Reads a small JSON file whole.
 * @param maxBytes refuses what is far larger than such a file ever is, before it is read.
 * @throws EngineError MODEL_FORMAT when it is too large, not UTF-8 or not JSON; MODEL_IO when reading fails.
 */
export async function readJsonFile(source: ByteSource, maxBytes: number): Promise<unknown> {
  const { name, size } = source;
  const fail = (problem: string, cause?: unknown) =>
    new EngineError('MODEL_FORMAT', `${name}: ${problem}.`, { file: name, bytes: size }, { cause });
  if (size > maxBytes) throw fail(`the file has ${size} bytes; more than ${maxBytes} are not read`);
  const bytes = await readExactly(source, 0, size);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw fail('the file is not valid UTF-8', cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw fail(`the file is not valid JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
}
