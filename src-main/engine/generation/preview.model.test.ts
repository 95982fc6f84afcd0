/** Draws of SmolLM2 that are explained later equal those of the reply, and "what if" equals a reply with those settings. */
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams, type SamplingParams } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

const path = await testModelPath();
const TIMEOUT_MS = 900_000;
const TOKENS = 24;

const ALL: readonly Partial<SamplingParams>[] = [
  { temperature: 1 },
  { temperature: 1.5, repeatPenalty: 1.2 },
  { xtcProbability: 0.5, xtcThreshold: 0.05 },
  { mirostat: 2, mirostatTau: 4 },
  { adaptiveTarget: 0.3 },
];
/** Two chains, one with penalties and one that mirostat replaces; the full run has them all. */
const SETTINGS = process.env.TOKENSCOPE_TEST_FULL === '1' ? ALL : [ALL[1], ALL[3]];

describe.skipIf(path === null)('draws of SmolLM2 (needs the fetched test model)', () => {
  let engine: InferenceEngine;

  beforeAll(async () => {
    engine = new InferenceEngine({
      ...nodePlatform(),
      compileKernels: () => Promise.resolve(testKernels()),
      threads: nodeKernelThreads(),
    });
    await engine.load(await singleFile(path!), { contextSize: 512 });
    return () => engine.unload();
  }, TIMEOUT_MS);

  function params(change: Partial<SamplingParams>): GenerateParams {
    const defaults = defaultGenerateParams({
      kind: 'chat',
      messages: [{ role: 'user', text: 'Tell me about the sea.' }],
    });
    return {
      ...defaults,
      sampling: { ...defaults.sampling, seed: 42, ...change },
      stop: { ...defaults.stop, maxTokens: TOKENS, ignoreEos: true, repetitionWindow: 0 },
      topCandidates: 10,
    };
  }

  async function explained(change: Partial<SamplingParams>, before: readonly number[]) {
    const { useKvCache: _, ...rest } = params(change);
    const preview = await engine.preview({ ...rest, reply: [...before] });
    return { ...preview, draw: preview.draw! };
  }

  it.each(SETTINGS)(
    'are drawn again: %o',
    async (change) => {
      const run = await reply(engine, params(change));
      for (const index of [0, 7, TOKENS - 1]) {
        const { draw, survivors, candidates } = await explained(change, run.end.ids.slice(0, index));
        const token = run.tokens[index];
        expect(draw).toMatchObject({ id: token.id, probability: token.sampledProbability });
        expect(survivors).toBe(token.survivors);
        expect(candidates).toEqual(token.candidates);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'are what other settings would have drawn',
    async () => {
      const replies = await Promise.all(SETTINGS.map((change) => reply(engine, params(change))));
      for (const [at, change] of SETTINGS.entries()) {
        const other = replies[(at + 1) % replies.length].end.ids;
        const own = replies[at].end.ids;
        const differs = own.findIndex((id, i) => id !== other[i]);
        expect(differs).not.toBe(-1);
        expect((await explained(change, other.slice(0, differs))).draw.id).toBe(own[differs]);
      }
    },
    TIMEOUT_MS,
  );
});
