/** The engine's own thread in Node: worker_threads entry, started by `spawn-engine.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceEngine } from '../../engine/index.ts';
import { CancelFlags } from '../../protocol/cancel-flags.ts';
import { EngineService } from '../../protocol/engine-service.ts';
import { serveEngine } from '../../protocol/server.ts';
import { workerThreadsTransport } from '../../protocol/transports/worker-threads.ts';
import type { ConnectMessage, EngineWorkerData } from './engine-worker-messages.ts';
import { openModelFolder } from './model-folder.ts';
import { nodePlatform } from './node-platform.ts';

if (parentPort === null) throw new Error('engine-worker.js is a worker thread: start it with spawnEngine().');

// Only spawn-engine.ts starts this script, with exactly these data and messages.
const { modelsDir } = workerData as EngineWorkerData;
const platform = nodePlatform();
const service = new EngineService({
  engine: new InferenceEngine(platform),
  openModel: (id) => openModelFolder(modelsDir, id),
});

parentPort.on('message', ({ port, cancelFlags }: ConnectMessage) => {
  const options = { cancelFlags: new CancelFlags(cancelFlags), flushMs: 0, log: platform.log };
  serveEngine(workerThreadsTransport(port), service, options);
});
