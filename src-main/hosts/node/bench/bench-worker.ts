/** The thread that the bench measures in, as the engine has one in the app. worker_threads entry. */
import { parentPort, workerData } from 'node:worker_threads';
import { EngineError, InferenceEngine } from '../../../engine/index.ts';
import { openModelPath } from '../model-path.ts';
import { nodePlatform } from '../node-platform.ts';
import type { BenchAnswer, BenchCalls, BenchModel, BenchRequest, BenchWorkerData } from './bench-messages.ts';
import { measureDecode, measureLanes, measurePrefill } from './measure.ts';
import { peakMemory, residentMemory } from './process-memory.ts';

// Only bench-host.ts starts this script, with exactly this.
const { machine } = workerData as BenchWorkerData;

const engine = new InferenceEngine(nodePlatform());
let idleBytes = 0;

/** One after the other: nothing else may run while something is measured. */
let turn = Promise.resolve();

parentPort?.on('message', (request: BenchRequest) => {
  turn = turn.then(async () => answer(await settle(request)));
});

async function settle(request: BenchRequest): Promise<BenchAnswer> {
  try {
    return { result: await run(request) };
  } catch (thrown) {
    const { code, message, details } = EngineError.from(thrown);
    return { error: { code, message, details } };
  }
}

function run({ call, params }: BenchRequest): Promise<unknown> | unknown {
  switch (call) {
    case 'machine':
      return machine;
    case 'load':
      return load(params);
    case 'prefill':
      return measurePrefill(engine, params);
    case 'decode':
      return measureDecode(engine, params);
    case 'lanes':
      return measureLanes(engine, params);
    case 'peakBytes':
      return peakMemory() - idleBytes;
  }
}

async function load({ path, ...options }: BenchCalls['load']['params']): Promise<BenchModel> {
  const files = await openModelPath(path);
  const trained = (await engine.describe(files)).contextSize;
  idleBytes = residentMemory();
  const { executor, threads } = options;
  const contextSize = Math.min(options.contextSize, trained);
  const model = await engine.load(files, { contextSize, executor, ...(threads === null ? {} : { threads }) });
  return {
    name: model.name,
    fileBytes: model.fileBytes,
    vocabularySize: model.vocabularySize,
    executor: model.executor,
    kernels: model.kernels?.variant ?? null,
    threads: model.kernels?.threads ?? 1,
    reason: model.kernels?.reason ?? null,
    loadMs: model.loadMs,
    contextSize,
    weightBytes: model.memoryBytes.weights,
    kvBytes: model.memoryBytes.kvCache,
  };
}

function answer(message: BenchAnswer): void {
  parentPort?.postMessage(message);
}
