import { EngineError } from '../api/errors.ts';
import type { ByteSource } from '../api/platform.ts';

/**
 * Reads `length` bytes at `offset`.
 * @param room may be used for them
 * @throws EngineError MODEL_IO when the source gives fewer: the file changed while it was read.
 */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  room?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, length, room);
  if (bytes.length !== length) {
    throw new EngineError(
      'MODEL_IO',
      `${source.name}: read ${bytes.length} bytes instead of ${length} at offset ${offset}. The file may have changed.`,
      { file: source.name, offset, expected: length, found: bytes.length },
    );
  }
  return bytes;
}
