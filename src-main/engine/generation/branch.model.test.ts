/**
 * A branch in the middle of a long reply of a real model: only the chosen token is computed before the model continues.
 * e2e/measure/branch.ts has the times.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

const REPLY_TOKENS = 500;
const MIDDLE = 250;
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

describe.skipIf(path === null)('a branch in a reply of SmolLM2 (needs the fetched test model)', () => {
  const engine = new InferenceEngine({
    ...nodePlatform(),
    compileKernels: () => Promise.resolve(testKernels()),
    threads: nodeKernelThreads(),
  });
  /** Any ids do: what the cache holds of a reply does not depend on who chose them. */
  const ids = Array.from({ length: REPLY_TOKENS }, (_, at) => 200 + ((at * 7919) % 40_000));

  beforeAll(async () => {
    await engine.load(await singleFile(path!), { contextSize: 1024 });
  }, TIMEOUT_MS);
  afterAll(() => engine.unload());

  function params(replyIds: number[], firstToken?: number): GenerateParams {
    const messages = [{ role: 'user' as const, text: 'Tell me a long story about a lighthouse.' }];
    const defaults = defaultGenerateParams({ kind: 'chat', messages, replyIds });
    const stop = { ...defaults.stop, maxTokens: 2, ignoreEos: true, repetitionWindow: 0 };
    return { ...defaults, stop, topCandidates: 20, ...(firstToken === undefined ? {} : { firstToken }) };
  }

  it(
    'reuses all tokens before it, and keeps the reply in the cache',
    async () => {
      await reply(engine, params(ids));
      const candidate = 300;
      const branch = await reply(engine, params(ids.slice(0, MIDDLE), candidate));
      expect(branch.start.reusedTokens).toBe(branch.start.promptIds.length - 1);
      // The candidate does not count towards the limit.
      expect(branch.end.ids).toHaveLength(3);
      expect(branch.end.ids[0]).toBe(candidate);
      const { start } = await reply(engine, params(ids));
      expect(start.reusedTokens).toBe(start.promptIds.length - 1);
    },
    TIMEOUT_MS,
  );
});
