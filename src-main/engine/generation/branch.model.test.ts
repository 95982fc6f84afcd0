/** A branch in the middle of a long reply of a real model: only the chosen token is computed before the model continues. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

const REPLY_TOKENS = 500;
const MIDDLE = 250;
/** Only the full run measures the time: a busy machine takes longer, and what is reused shows the cause anyway. */
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** Samples of the time, the best of which counts: other programs may use the processor, too. */
const SAMPLES = isFull ? 5 : 1;
const FIRST_TOKEN_MS = 100;
const TIMEOUT_MS = 120_000;

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
    'reuses all tokens before it, keeps the reply in the cache, and begins at once',
    async () => {
      await reply(engine, params(ids));
      const times: number[] = [];
      for (let sample = 0; sample < SAMPLES; sample++) {
        const candidate = 300 + sample;
        const began = performance.now();
        for await (const event of engine.generate(params(ids.slice(0, MIDDLE), candidate))) {
          if (event.type === 'start') expect(event.reusedTokens).toBe(event.promptIds.length - 1);
          // The first one is the candidate, so the second one is the first new token.
          if (event.type === 'token' && event.token.id !== candidate) {
            times.push(performance.now() - began);
            break;
          }
        }
      }
      expect(times).toHaveLength(SAMPLES);
      if (isFull) expect(Math.min(...times)).toBeLessThan(FIRST_TOKEN_MS);
      const { start } = await reply(engine, params(ids));
      expect(start.reusedTokens).toBe(start.promptIds.length - 1);
    },
    TIMEOUT_MS,
  );
});
