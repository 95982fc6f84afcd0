/**
 * A model of 4.6 GB, which takes more in memory than one WebAssembly memory can address: it opens, generates, and returns
 * its memory when it is unloaded. In the full run, where there is room.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { randomModelBytes, SHAPES, writeRandomModel } from '../../../scripts/lib/random-model.ts';
import { readGguf } from '../../engine/formats/gguf/gguf-file.ts';
import { memorySource } from '../../engine/test-support/model-files.ts';
import { tinyGguf } from '../../engine/test-support/tiny-gguf.ts';
import type { MeasuredMemory } from './test-support/measure-memory.ts';

const SCRIPT = fileURLToPath(new URL('test-support/measure-memory.mjs', import.meta.url));
/** Tokens of the context, all of which are computed. */
const CONTEXT = 64;
const SHAPE = SHAPES['8B'];
const FILE_BYTES = randomModelBytes(SHAPE, 'Q4_K_M');
/** Weights take up to an eighth more in memory than in the file; the system's cache can drop the file. */
const MEMORY = 1.25 * FILE_BYTES;
const DISK = 1.1 * FILE_BYTES;
const TIMEOUT_MS = 600_000;

/** Null if the test can run. */
async function reasonToSkip(): Promise<string | null> {
  if (process.env.TOKENSCOPE_TEST_FULL !== '1') return 'only in the full run';
  if (process.platform !== 'linux') return 'memory is read from /proc, which only Linux has';
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < DISK) return `needs ${gigabytes(DISK)} in ${tmpdir()}, which has ${gigabytes(bavail * bsize)}`;
  const available = process.availableMemory();
  return available < MEMORY ? `needs ${gigabytes(MEMORY)} of memory; ${gigabytes(available)} is available` : null;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

const reason = await reasonToSkip();

describe.skipIf(reason !== null)(`a model beyond 4 GiB${reason === null ? '' : ` (left out: ${reason})`}`, () => {
  it(
    'opens, generates, and returns its memory',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tokenscope-large-'));
      try {
        const [large, other] = [join(folder, '8b.gguf'), join(folder, 'other.gguf')];
        const vocabulary = await readGguf(memorySource('tiny.gguf', await tinyGguf('llama')));
        await writeRandomModel(large, SHAPE, 'Q4_K_M', vocabulary);
        await writeFile(other, await tinyGguf('gpt2'));
        const args = [SCRIPT, large, 'wasm', String(CONTEXT), '1', other];
        const { stdout } = await promisify(execFile)(process.execPath, args);
        const { peak, left, memory } = JSON.parse(stdout) as MeasuredMemory;
        expect(memory.weights).toBeGreaterThan(2 ** 32);
        const estimate = memory.weights + memory.kvCache + memory.scratch;
        console.info(`8B: ${gigabytes(estimate)} estimated, ${gigabytes(peak)} taken, ${gigabytes(left)} left`);
        // As for smaller models, see memory-estimate.integration.test.ts.
        expect(Math.abs(peak / estimate - 1)).toBeLessThan(0.15);
        expect(left).toBeLessThan(0.02 * estimate);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    TIMEOUT_MS,
  );
});
