/** Eight lanes of a real model: the same replies as alone, with one prefill. */
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { divergesAt } from '../../protocol/engine/reply-metrics.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams } from '../index.ts';
import { collectLanes } from '../test-support/collect-lanes.ts';
import { testKernels } from '../test-support/kernels.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const TOKENS = isFull ? 200 : 8;
/** Two would wait for each other while other tests run. */
const THREADS = isFull ? 2 : 1;
/** Sixteen replies on a busy machine. */
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

describe.skipIf(path === null)('eight lanes of SmolLM2 (needs the fetched test model)', () => {
  let engine: InferenceEngine;

  beforeAll(async () => {
    engine = new InferenceEngine({
      ...nodePlatform(),
      compileKernels: async () => testKernels(),
      threads: nodeKernelThreads(),
    });
    await engine.load(await singleFile(path!), { contextSize: 512, threads: THREADS });
    return () => engine.unload();
  }, TIMEOUT_MS);

  function request(system: string, sampling: Partial<GenerateParams['sampling']>, tokens = TOKENS): GenerateParams {
    const params = defaultGenerateParams({
      kind: 'chat',
      messages: [
        { role: 'system', text: system },
        { role: 'user', text: 'Tell me about a river.' },
      ],
    });
    return {
      ...params,
      sampling: { ...params.sampling, seed: 1, ...sampling },
      stop: { ...params.stop, maxTokens: tokens, ignoreEos: true },
    };
  }

  const brief = (sampling: Partial<GenerateParams['sampling']>, tokens?: number) =>
    request('You are brief.', sampling, tokens);

  it(
    'each give the ids that they give alone, and differ where their ids differ',
    async () => {
      const requests = [
        brief({ temperature: 0 }),
        brief({ topK: 40 }),
        brief({ temperature: 0.7 }),
        brief({ temperature: 1.5, seed: 2 }, TOKENS - 7),
        brief({ minP: 0.2, seed: 3 }),
        brief({ mirostat: 2, seed: 4 }),
        request('You are a poet.', { seed: 5 }),
        { ...brief({ seed: 6 }, 8), useKvCache: false },
      ];
      const ends = await collectLanes(engine.generateLanes(requests.map((params) => ({ params }))));
      for (const [lane, params] of requests.entries()) {
        const { ids, text, stop } = (await reply(engine, params)).end;
        expect(ends[lane], `lane ${lane}`).toMatchObject({ ids, text, stop });
        const differs = ids.findIndex((id, i) => id !== ends[0].ids[i]);
        const shorter = ids.length < ends[0].ids.length ? ids.length : null;
        expect(divergesAt(ends[0].ids, ids)).toBe(differs === -1 ? shorter : differs);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'compute their prompt once, and what follows as long as they are equal',
    async () => {
      const ids = Array.from({ length: 40 }, (_, i) => 1000 + 7 * i);
      const lanes = Array.from({ length: 8 }, (_, seed) => ({
        params: { ...brief({ seed, temperature: 1.5 }, 6), prompt: { kind: 'ids', ids } as const },
      }));
      const before = engine.computedTokens;
      const ends = await collectLanes(engine.generateLanes(lanes));
      // The last token of a reply is drawn, not computed.
      const computed = new Set(
        ends.flatMap((end) => end.ids.slice(0, -1).map((_, i) => end.ids.slice(0, i + 1).join())),
      );
      expect(engine.computedTokens - before).toBe(ids.length + computed.size);
    },
    TIMEOUT_MS,
  );
});
