import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Writable, type Duplex } from 'node:stream';

const BLOCK = 512;

/**
 * Reads one file of a tar archive; null when it is missing. Supports plain names of up to 255 characters, as packed by
 * npm.
 * @param decompress applied to the archive first
 */
export async function fileInTar(decompress: Duplex, archive: string, name: string): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline(createReadStream(archive), decompress, collect);
  const tar = Buffer.concat(chunks);
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const prefix = field(tar, at + 345, 155);
    const size = parseInt(field(tar, at + 124, 12).trim(), 8);
    if (!Number.isSafeInteger(size)) throw new Error(`${archive} is not a tar archive.`);
    const start = at + BLOCK;
    if ((prefix && `${prefix}/`) + field(tar, at, 100) === name) return tar.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return null;
}

/** A text that ends at a zero byte. */
function field(tar: Buffer, start: number, length: number): string {
  const bytes = tar.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? length : end);
}
