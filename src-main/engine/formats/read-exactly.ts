import { EngineError } from '../api/errors.ts';
import type { ByteSource } from '../api/platform.ts';

/**
 * Reads `length` bytes at `offset`.
 * @param buffer reused for the bytes, if given
 * @throws EngineError MODEL_IO when the source gives fewer, because the file changed meanwhile
 */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  buffer?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, length, buffer);
  if (bytes.length !== length) {
    throw new EngineError(
      'MODEL_IO',
      `${source.name}: read ${bytes.length} bytes instead of ${length} at offset ${offset}. The file may have changed.`,
      { file: source.name, offset, expected: length, found: bytes.length },
    );
  }
  return bytes;
}
