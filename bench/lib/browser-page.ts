/** Runs inside a page of the web host: the calls of the bench over the connection that the app has there. */
import { answerTo } from '../../src-main/hosts/node/bench/answer.ts';
import { describeModel } from '../../src-main/hosts/node/bench/model.ts';
import type { BenchAnswer, BenchModel, BenchRequest } from '../../src-main/hosts/node/bench/bench-messages.ts';
import { measureDecode, measurePrefill, type MeasuredEngine } from '../../src-main/hosts/node/bench/measure.ts';
import { connectWorkerEngine } from '../../src-main/protocol/engine/browser-engine.ts';
import { EngineClient } from '../../src-main/protocol/engine/client.ts';
import { workerUrl } from '../../src-renderer/lib/trusted-url.ts';

let client: EngineClient | null = null;
let engine: MeasuredEngine | null = null;

/** @param key for the library's models at the web host */
function connectBench(key: string): void {
  const worker = new Worker(workerUrl('engine.worker.js'), { type: 'module' });
  client = new EngineClient(connectWorkerEngine(worker, key));
}

/** @param params of `load`: the path is a model's id here */
function benchCall(request: BenchRequest): Promise<BenchAnswer> {
  return answerTo(() => run(request));
}

function run({ call, params }: BenchRequest): Promise<BenchModel | number> {
  switch (call) {
    case 'load':
      return load(params);
    case 'prefill':
      return measurePrefill(loaded(), params);
    case 'decode':
      return measureDecode(loaded(), params);
    default:
      throw new Error(`${call} cannot be measured in a page.`);
  }
}

async function load(params: Extract<BenchRequest, { call: 'load' }>['params']): Promise<BenchModel> {
  if (client === null) throw new Error('Not connected.');
  const { path: modelId, threads, executor, contextSize } = params;
  const { stream } = { stream: client.stream.bind(client) };
  for await (const event of stream('load', { modelId, executor, contextSize, ...(threads ? { threads } : {}) })) {
    if (event.type !== 'loaded') continue;
    const { vocabularySize } = event.model;
    engine = { vocabularySize, generate: (generate) => stream('generate', generate) };
    return describeModel(event.model);
  }
  throw new Error('Loading ended without a model.');
}

function loaded(): MeasuredEngine {
  if (engine === null) throw new Error('No model is loaded.');
  return engine;
}

Object.assign(window, { connectBench, benchCall });
