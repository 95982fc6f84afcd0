/** Lanes on models of every architecture: each reply is the same as alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams, InferenceEngine, type ExecutorName, type GenerateParams } from '../index.ts';
import { gpuInFullRun, sharedGpu } from '../test-support/gpu.ts';
import { testKernels } from '../test-support/kernels.ts';
import { collectLanes } from '../test-support/collect-lanes.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';
import { readTinyGolden, TINY_MODELS, tinyGgufFiles } from '../test-support/tiny-gguf.ts';

/** One of each architecture. */
const ARCHITECTURES = TINY_MODELS.filter((name) => readTinyGolden(name).arch === name);
const gpu = await gpuInFullRun();
const EXECUTORS: readonly ExecutorName[] = gpu ? ['reference', 'wasm', 'webgpu'] : ['reference', 'wasm'];
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** With and without a window of attention. */
const FEW = ['llama', 'gemma3'];
/** The slow executors compute two models; the reference executor computes all of them in the full run. */
const MODELS: Record<ExecutorName, readonly string[]> = {
  reference: isFull ? ARCHITECTURES : FEW,
  wasm: ARCHITECTURES,
  webgpu: FEW,
};
/** Cases of the property. */
const RUNS: Record<ExecutorName, number> = isFull
  ? { reference: 100, wasm: 100, webgpu: 3 }
  : { reference: 3, wasm: 12, webgpu: 0 };
const CONTEXT = 64;
const TOKENS = 14;
/** The reference executor and a GPU in software compute thousands of tokens here, perhaps on a busy machine. */
const TIMEOUT_MS = 900_000;

async function load(name: string, executor: ExecutorName): Promise<InferenceEngine> {
  const openGpu = () => Promise.resolve(sharedGpu(gpu!));
  const engine = new InferenceEngine({ ...nodePlatform(), compileKernels: async () => testKernels(), openGpu });
  await engine.load(await tinyGgufFiles(name), { executor, contextSize: CONTEXT });
  return engine;
}

function request(ids: number[], sampling: Partial<GenerateParams['sampling']>, tokens = TOKENS): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids });
  return {
    ...params,
    sampling: { ...params.sampling, ...sampling },
    stop: { ...params.stop, maxTokens: tokens, ignoreEos: true, repetitionWindow: 0 },
  };
}

/** Each lane is compared with the same request alone. */
async function check(engine: InferenceEngine, requests: readonly GenerateParams[]): Promise<void> {
  const ends = await collectLanes(engine.generateLanes(requests.map((params) => ({ params }))));
  for (const [lane, params] of requests.entries()) {
    const { ids, text, stop, seed } = (await reply(engine, params)).end;
    expect(ends[lane], `lane ${lane}`).toMatchObject({ ids, text, stop, seed });
  }
}

describe.each(ARCHITECTURES)('eight lanes with %s', (name) => {
  const { prompt } = readTinyGolden(name);

  it.each(EXECUTORS.filter((executor) => MODELS[executor].includes(name)))(
    'are the same as alone, on the %s executor',
    async (executor) => {
      const engine = await load(name, executor);
      const other = [...prompt.slice(0, -2), prompt[0]];
      await check(engine, [
        request(prompt, { temperature: 0 }),
        request(prompt, { seed: 1, topK: 40 }),
        request(prompt, { seed: 2, temperature: 1.5 }, 5),
        request(other, { seed: 3 }),
        request(prompt, { seed: 1, topK: 40 }),
        request(prompt, { seed: 4, mirostat: 2 }, 5000),
        request([...prompt, ...prompt.slice(0, 15)], { seed: 5 }),
        { ...request(prompt, { seed: 6 }), useKvCache: false },
      ]);
      await engine.unload();
    },
    TIMEOUT_MS,
  );
});

it.each(EXECUTORS)(
  'lanes with any prompts and settings are the same as alone, on the %s executor',
  async (executor) => {
    const engine = await load('llama', executor);
    const prefix = fc.constantFrom([], [5, 6, 7], [5, 6, 7, 8, 9, 10, 11, 12], [5, 6, 9]);
    const lane = fc.record({
      begins: prefix,
      ends: fc.array(fc.integer({ min: 3, max: 40 }), { minLength: 1, maxLength: 6 }),
      seed: fc.integer({ min: 0, max: 3 }),
      temperature: fc.constantFrom(0, 0.7, 1.5),
      tokens: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }) },
        { weight: 1, arbitrary: fc.constant(100) },
      ),
      useKvCache: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(lane, { minLength: 1, maxLength: 8 }), async (lanes) => {
        await check(
          engine,
          lanes.map(({ begins, ends, seed, temperature, tokens, useKvCache }) => ({
            ...request([...begins, ...ends], { seed, temperature }, tokens),
            useKvCache,
          })),
        );
      }),
      { numRuns: RUNS[executor] },
    );
    await engine.unload();
  },
  TIMEOUT_MS,
);
