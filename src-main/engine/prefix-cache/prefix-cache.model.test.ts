/** A long chat with a real model after a restart: the same reply, from K and V on disk. bench/prefix-cache.ts has the times. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { prefixFolder } from '../../hosts/node/prefix-folder.ts';
import type { PrefixStore } from '../api/platform.ts';
import { defaultGenerateParams, InferenceEngine } from '../index.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { kernelPlatform, reply } from '../test-support/tiny-engine.ts';
import { BLOCK_TOKENS } from './blocks.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const TOKENS = isFull ? 4000 : 200;
/** Two would wait for each other while other tests run. */
const THREADS = isFull ? 2 : 1;
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

describe.skipIf(path === null)('the stored prefix cache of SmolLM2 (needs the fetched test model)', () => {
  it(
    'gives a reopened chat the same reply, without computing its prompt',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'prefix-cache-'));
      const store = prefixFolder(folder, { bytes: 2 ** 30, files: 4096, freeBytes: 0 });
      const blocks = Math.floor(TOKENS / BLOCK_TOKENS);
      try {
        const first = await answer(store, async () => {
          const isBlock = (name: string) => name.endsWith('.kv');
          const stored = async () => (await readdir(folder)).filter(isBlock).length;
          await vi.waitFor(async () => expect(await stored()).toBe(blocks), { timeout: 60_000 });
        });
        expect(first.reusedTokens).toBe(0);
        const again = await answer(store);
        expect(again.said).toEqual(first.said);
        expect(again.reusedTokens).toBe(blocks * BLOCK_TOKENS);
      } finally {
        // The last save may still be running.
        await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      }
    },
    TIMEOUT_MS,
  );
});

/** A reply to the chat by an engine that was just started. @param after called before the model is unloaded */
async function answer(prefixStore: PrefixStore, after: () => Promise<void> = async () => undefined) {
  const engine = new InferenceEngine({ ...kernelPlatform(), threads: nodeKernelThreads(), prefixStore });
  await engine.load(await singleFile(path!), { contextSize: TOKENS + 96, threads: THREADS });
  const ids = Array.from({ length: TOKENS + 1 }, (_, i) => 1000 + ((i * 37) % 40_000));
  const params = defaultGenerateParams({ kind: 'ids', ids });
  const { start, tokens } = await reply(engine, {
    ...params,
    sampling: { ...params.sampling, temperature: 0.7, seed: 1 },
    // Fewer than complete another block.
    stop: { ...params.stop, maxTokens: 8, ignoreEos: true },
    topCandidates: 5,
    storePrefixFor: 'chat',
  });
  await after();
  await engine.unload();
  return { reusedTokens: start.reusedTokens, said: tokens.map((token) => ({ ...token, latencyMs: 0 })) };
}
