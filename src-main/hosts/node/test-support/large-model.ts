/** A model of 4.6 GB, which takes more in memory than one WebAssembly memory can address. */
import { statfs } from 'node:fs/promises';
import { randomModelBytes, SHAPES, writeRandomModel } from '../../../../scripts/lib/random-model.ts';
import { readGguf } from '../../../engine/formats/gguf/gguf-file.ts';
import { memorySource } from '../../../engine/test-support/model-files.ts';
import { tinyGguf } from '../../../engine/test-support/tiny-gguf.ts';

const SHAPE = SHAPES['8B'];
const MIX = 'Q4_K_M';
const FILE_BYTES = randomModelBytes(SHAPE, MIX);
/** Weights take a tenth more in memory than in the file. K and V, activations and the host's own memory are beside them. */
const MEMORY = 1.4 * FILE_BYTES;
const DISK = 1.1 * FILE_BYTES;

/** Why a test cannot load the model here: only in the full run, on Linux, with enough memory and disk. Null if it can. */
export async function reasonAgainstLargeModel(folder: string): Promise<string | null> {
  if (process.env.TOKENSCOPE_TEST_FULL !== '1') return 'only in the full run';
  if (process.platform !== 'linux') return 'memory is read from /proc, which only Linux has';
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < DISK) return `needs ${gigabytes(DISK)} in ${folder}, which has ${gigabytes(bavail * bsize)}`;
  const available = process.availableMemory();
  return available < MEMORY ? `needs ${gigabytes(MEMORY)} of memory; ${gigabytes(available)} is available` : null;
}

/** Takes some seconds. */
export async function writeLargeModel(path: string): Promise<void> {
  await writeRandomModel(path, SHAPE, MIX, await readGguf(memorySource('tiny.gguf', await tinyGguf('llama'))));
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
