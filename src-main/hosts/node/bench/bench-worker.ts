/** The benchmarked thread, like the engine's thread in the app. worker_threads entry. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceEngine } from '../../../engine/index.ts';
import { openModelPath } from '../model-path.ts';
import { nodePlatform } from '../node-platform.ts';
import type { BenchCalls, BenchModel, BenchRequest, BenchWorkerData } from './bench-messages.ts';
import { compileNodeKernels } from '../kernels.ts';
import { answerTo } from './answer.ts';
import { describeModel } from './model.ts';
import { measureCeilings } from './ceilings.ts';
import { measureDecode, measureLanes, measurePrefill, type MeasuredLanes } from './measure.ts';
import { peakMemory, residentMemory } from './process-memory.ts';

// Only bench-host.ts starts this script, with exactly this.
const { machine } = workerData as BenchWorkerData;

const engine = new InferenceEngine(nodePlatform());
let idleBytes = 0;

const measured: MeasuredLanes = {
  get vocabularySize() {
    return engine.model?.vocabularySize ?? 0;
  },
  generate: (params) => engine.generate(params),
  generateLanes: (requests) => engine.generateLanes(requests),
};

/** One after the other: nothing else may run during a measurement. */
let turn = Promise.resolve();

parentPort?.on('message', (request: BenchRequest) => {
  turn = turn.then(async () => parentPort?.postMessage(await answerTo(() => run(request))));
});

function run({ call, params }: BenchRequest): Promise<unknown> | unknown {
  switch (call) {
    case 'machine':
      return machine;
    case 'load':
      return load(params);
    case 'prefill':
      return measurePrefill(measured, params);
    case 'decode':
      return measureDecode(measured, params);
    case 'lanes':
      return measureLanes(measured, params);
    case 'profile':
      return engine.profile(params);
    case 'ceilings':
      return measureCeilings(compileNodeKernels(['threads']), params.threads);
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
  return describeModel(model);
}
