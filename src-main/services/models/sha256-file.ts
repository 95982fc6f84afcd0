import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { unreachable } from './model-location.ts';

/**
 * SHA-256 of a file, in lowercase hex.
 * @param onBytes called with the bytes read so far
 * @throws EngineError MODEL_NOT_FOUND, MODEL_IO; the signal's reason when it is aborted
 */
export async function sha256OfFile(
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(path, error);
  }
  return hash.digest('hex');
}
