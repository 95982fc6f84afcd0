import type { Writable } from 'node:stream';

/** Resolves when all that was written to a stream has left this process, or cannot. A slow reader delays that. */
export function flushed(stream: Writable): Promise<void> {
  if (!stream.writable) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => resolve();
    stream.once('error', settle);
    stream.once('close', settle);
    // Called after all earlier writes, also when one of them fails.
    stream.write('', settle);
  });
}
