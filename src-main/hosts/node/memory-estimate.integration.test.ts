/**
 * Compares a model's estimated memory with that of a separate process, while it loads the model and with its context
 * full. docs/models.md has the figures of a run.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testModelPath } from '../../engine/test-support/test-model.ts';
import { tinyGguf } from '../../engine/test-support/tiny-gguf.ts';
import type { MeasuredMemory } from './test-support/measure-memory.ts';

const SCRIPT = fileURLToPath(new URL('test-support/measure-memory.mjs', import.meta.url));
const TINY_TRANSFORMER = fileURLToPath(new URL('../../../resources/models/tiny-transformer', import.meta.url));
/** Null if it was not fetched. */
const smollm2 = await testModelPath();
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** The requirement, as a fraction. */
const TOLERANCE = 0.15;
/** Loading is slow when many tests run at once. */
const LIMIT_MS = 180_000;

async function measured(path: string, executor: string, context: number, copies: number, other: string) {
  // The reference executor fills the young generation of V8's heap, which then shrinks by 30 MB at any time.
  const flags = executor === 'reference' ? ['--max-semi-space-size=1'] : [];
  const args = [...flags, SCRIPT, path, executor, String(context), String(copies), other];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { peak, left, memory } = JSON.parse(stdout) as MeasuredMemory;
  const estimate = memory.weights + memory.kvCache + memory.scratch;
  const [said, took] = [estimate, peak].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
  console.info(`${path.split('/').at(-1)}, ${executor}, ${context} tokens: ${said} said, ${took} taken`);
  return { estimate, peak, left, memory };
}

function expectWithin(estimate: number, peak: number): void {
  expect(peak).toBeGreaterThan((1 - TOLERANCE) * estimate);
  expect(peak).toBeLessThan((1 + TOLERANCE) * estimate);
}

// Each waits for separate processes, mostly for them to settle.
describe
  .skipIf(process.platform !== 'linux')
  .concurrent('the estimate and the memory of a process (from /proc)', () => {
    let folder: string;
    let other: string;

    async function tiny(name: string): Promise<string> {
      const path = join(folder, `${name}.gguf`);
      await writeFile(path, await tinyGguf(name));
      return path;
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tokenscope-memory-'));
      other = await tiny('gpt2');
    });
    afterAll(() => rm(folder, { recursive: true }));

    // For models of a few megabytes, V8's own fluctuations (14 MB seen under load) would dominate, so many copies are
    // loaded.
    it.each(isFull ? ['llama', 'gemma3', 'llama-d256.Q4_K_M'] : ['llama-d256.Q4_K_M'])(
      'agree for %s',
      async (name) => {
        const { estimate, peak } = await measured(await tiny(name), 'wasm', 128, 24, other);
        expectWithin(estimate, peak);
      },
      LIMIT_MS,
    );

    // Smaller ones take less than the variation between runs, 0.3 MB per copy.
    it.each(isFull ? ['llama-d256.Q8_0', 'llama-d256.BF16', 'llama-d256.Q4_K_M'] : [])(
      'agree for %s on the reference executor',
      async (name) => {
        const { estimate, peak } = await measured(await tiny(name), 'reference', 128, 24, other);
        expectWithin(estimate, peak);
      },
      LIMIT_MS,
    );

    it.each(isFull ? ['wasm', 'reference'] : [])(
      'agree for TinyTransformer on %s',
      async (executor) => {
        // The reference executor allocates a batch as long as the context, but prompts come 128 tokens at a time.
        const context = executor === 'wasm' ? 1000 : 128;
        const { estimate, peak } = await measured(TINY_TRANSFORMER, executor, context, 12, other);
        expectWithin(estimate, peak);
      },
      LIMIT_MS,
    );

    // Here the reference executor's number is an upper limit: of the batch as long as the context, a prompt in slices
    // touches the first rows only.
    it.each(isFull ? [1000] : [])(
      'of the reference executor at the default context of %d never exceeds the estimate',
      async (context) => {
        const { estimate, peak, memory } = await measured(TINY_TRANSFORMER, 'reference', context, 4, other);
        expect(peak).toBeGreaterThan(memory.weights + memory.kvCache);
        expect(peak).toBeLessThan((1 + TOLERANCE) * estimate);
      },
      LIMIT_MS,
    );

    it.skipIf(smollm2 === null).each(isFull ? ['wasm', 'reference'] : [])(
      'agree for SmolLM2 on %s, whose weights are freed when it is unloaded (fetch it with scripts/fetch-test-model.ts)',
      async (executor) => {
        const path = smollm2!;
        const context = executor === 'wasm' ? 1024 : 32;
        const { estimate, peak, left, memory } = await measured(path, executor, context, 1, other);
        expectWithin(estimate, peak);
        expect(peak - left).toBeGreaterThan(0.95 * memory.weights);
      },
      LIMIT_MS,
    );
  });
