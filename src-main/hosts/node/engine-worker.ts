/** The engine's own thread in Node: worker_threads entry, started by `spawn-engine.ts`. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { EngineError, InferenceEngine, type MessageLink, type ModelFiles, type Platform } from '../../engine/index.ts';
import { CancelFlags } from '../../protocol/engine/cancel-flags.ts';
import { EngineService } from '../../protocol/engine/engine-service.ts';
import { serveEngine } from '../../protocol/engine/server.ts';
import { workerThreadsTransport } from '../../protocol/transports/worker-threads.ts';
import type {
  ConnectMessage,
  EngineWorkerData,
  GarbageMessage,
  GpuConnectedMessage,
  GpuMessage,
  LocatedMessage,
  LocateMessage,
  ModelMessage,
} from './engine-worker-messages.ts';
import { measurementsFile } from './measurements-file.ts';
import { openModelFolder } from './model-folder.ts';
import { openModelPath } from './model-path.ts';
import { nodePlatform } from './node-platform.ts';
import { prefixFolder } from './prefix-folder.ts';

if (parentPort === null) throw new Error('engine-worker.js is a worker thread: start it with spawnEngine().');

// Only spawn-engine.ts starts this script, with exactly these data and messages.
const { modelsDir, modelPaths, measurementsPath, prefixFolder: folder, connectsGpu } = workerData as EngineWorkerData;

let requests = 0;
/** Pending requests to the parent thread. */
const located = new Map<number, (path: string | null) => void>();
const connected = new Map<number, (answer: GpuConnectedMessage) => void>();

const own = nodePlatform(
  measurementsPath === null ? undefined : measurementsFile(measurementsPath),
  folder === null ? undefined : prefixFolder(folder),
  connectsGpu ? connectGpu : undefined,
);
const platform: Platform = {
  ...own,
  collectGarbage() {
    own.collectGarbage?.();
    parentPort?.postMessage({ type: 'garbage' } satisfies GarbageMessage);
  },
};
const service = new EngineService({
  engine: new InferenceEngine(platform),
  openModel,
  onModel(changing) {
    parentPort?.postMessage({ type: 'model', changing } satisfies ModelMessage);
    // V8 leaves the buffers of reading for minutes in a thread that does nothing.
    if (!changing) platform.collectGarbage?.();
  },
  newSha256: () => {
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
  },
});

async function openModel(id: string): Promise<ModelFiles> {
  const path = Object.hasOwn(modelPaths, id) ? modelPaths[id] : await locate(id);
  if (path === null) return openModelFolder(modelsDir, id);
  const files = await openModelPath(path);
  // Under the requested id: the client must not see its path.
  return { ...files, id, name: files.id };
}

function locate(modelId: string): Promise<string | null> {
  return new Promise((resolve) => {
    located.set(++requests, resolve);
    parentPort?.postMessage({ type: 'locate', request: requests, modelId } satisfies LocateMessage);
  });
}

async function connectGpu(): Promise<MessageLink> {
  const answer = await new Promise<GpuConnectedMessage>((resolve) => {
    connected.set(++requests, resolve);
    parentPort?.postMessage({ type: 'gpu', request: requests } satisfies GpuMessage);
  });
  if ('port' in answer) return workerThreadsTransport(answer.port);
  throw new EngineError('BACKEND_LOST', answer.problem);
}

parentPort.on('message', (message: ConnectMessage | LocatedMessage | GpuConnectedMessage) => {
  if (message.type === 'gpuConnected') {
    connected.get(message.request)?.(message);
    connected.delete(message.request);
    return;
  }
  if (message.type === 'located') {
    located.get(message.request)?.(message.path);
    located.delete(message.request);
    return;
  }
  const { port, cancelFlags } = message;
  const options = { cancelFlags: new CancelFlags(cancelFlags), log: platform.log };
  serveEngine(workerThreadsTransport(port), service, options);
});
