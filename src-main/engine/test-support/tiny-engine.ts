import { InferenceEngine, type Platform } from '../index.ts';
import { collect } from './scripted-model.ts';
import type { CancelToken, GenerateParams } from '../index.ts';
import { testKernels } from './kernels.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from './model-files.ts';

export const RANDOM_SEED = 4_242;

/** A Node host with a real clock. */
export function nodePlatform(): Platform {
  return {
    clock: performance,
    log: { debug() {}, warn() {} },
    yieldToHost: () => new Promise((resolve) => setImmediate(resolve)),
    randomSeed: () => RANDOM_SEED,
  };
}

/** As `nodePlatform` with the CPU kernels, on one thread: many times faster. */
export function kernelPlatform(): Platform {
  return { ...nodePlatform(), compileKernels: () => Promise.resolve(testKernels()) };
}

/** An engine with the built-in model. */
export async function tinyEngine(platform = nodePlatform()): Promise<InferenceEngine> {
  const engine = new InferenceEngine(platform);
  await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR));
  return engine;
}

/** A whole reply. */
export function reply(
  engine: InferenceEngine,
  params: GenerateParams,
  cancel?: CancelToken,
): ReturnType<typeof collect> {
  return collect(engine.generate(params, cancel));
}
