import { EngineError } from './errors.ts';

/**
 * For a `ByteSource`: checks that the file has the bytes that are to be read.
 * @param size of the file, bytes
 * @throws EngineError MODEL_FORMAT, because a header promises more than the file holds
 */
export function checkRange(name: string, offset: number, length: number, size: number): void {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (isRange && offset + length <= size) return;
  throw new EngineError(
    'MODEL_FORMAT',
    `${name} is damaged or incomplete: it should have ${length} bytes at offset ${offset}, but has only ${size} bytes in total. Download or copy it again.`,
    { file: name, offset, length, size },
  );
}
