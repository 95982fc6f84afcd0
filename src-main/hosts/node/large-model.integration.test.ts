/** A model that needs several WebAssembly memories opens, generates, and returns its memory when it is unloaded. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tinyGguf } from '../../engine/test-support/tiny-gguf.ts';
import { gigabytes, reasonAgainstLargeModel, writeLargeModel } from './test-support/large-model.ts';
import type { MeasuredMemory } from './test-support/measure-memory.ts';

const SCRIPT = fileURLToPath(new URL('test-support/measure-memory.mjs', import.meta.url));
/** Tokens of the context, all of which are computed. */
const CONTEXT = 64;
const TIMEOUT_MS = 600_000;

const reason = await reasonAgainstLargeModel(tmpdir());

describe.skipIf(reason !== null)(`a model beyond 4 GiB${reason === null ? '' : ` (left out: ${reason})`}`, () => {
  it(
    'opens, generates, and returns its memory',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tokenscope-large-'));
      try {
        const [large, other] = [join(folder, '8b.gguf'), join(folder, 'other.gguf')];
        await writeLargeModel(large);
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
