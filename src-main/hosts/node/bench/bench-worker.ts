/** The thread that the bench measures in, as the engine has one in the app. worker_threads entry. */
import { parentPort, workerData } from 'node:worker_threads';
import { EngineError, InferenceEngine } from '../../../engine/index.ts';
import { openModelPath } from '../model-path.ts';
import { nodePlatform } from '../node-platform.ts';
import type { BenchMessage, BenchReport, BenchWorkerData } from './bench-job.ts';
import { measureDecode, measurePrefill } from './measure.ts';

// Only bench-host.ts starts this script, with exactly this.
const { job, machine } = workerData as BenchWorkerData;

try {
  send({ type: 'done', report: await bench() });
} catch (thrown) {
  const { code, message, details } = EngineError.from(thrown);
  send({ type: 'failed', error: { code, message, details } });
}

async function bench(): Promise<BenchReport> {
  const engine = new InferenceEngine(nodePlatform());
  const files = await openModelPath(job.path);
  const { contextSize: trained } = await engine.describe(files);
  const contexts = job.contexts.filter((context) => context + job.generate + 1 <= trained);
  const notices = job.contexts
    .filter((context) => !contexts.includes(context))
    .map((context) => `${context} + ${job.generate} tokens do not fit the model's context of ${trained}.`);
  const prompt = Math.min(job.prompt, trained - 1);
  const contextSize = Math.max(prompt + 1, ...contexts.map((context) => context + job.generate + 1));
  const idleBytes = process.memoryUsage.rss();
  const { threads, executor } = job;
  const model = await engine.load(files, { contextSize, executor, ...(threads === null ? {} : { threads }) });
  const prefill = await measurePrefill(engine, { ...job, prompt }, model.vocabularySize);
  const decode = [];
  for (const context of contexts) decode.push(await measureDecode(engine, job, context, model.vocabularySize));
  const peakBytes = process.resourceUsage().maxRSS * 1024 - idleBytes;
  await engine.unload();
  return {
    result: {
      model: model.name,
      executor: model.executor,
      kernels: model.kernels?.variant ?? null,
      threads: model.kernels?.threads ?? 1,
      loadMs: model.loadMs,
      peakBytes,
      prefill,
      decode,
    },
    machine,
    reason: model.kernels?.reason ?? null,
    lanes: [],
    notices,
  };
}

function send(message: BenchMessage): void {
  parentPort?.postMessage(message);
}
