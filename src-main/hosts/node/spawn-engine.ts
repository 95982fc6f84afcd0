/** Starts the engine in a worker thread, so that the caller stays responsive and can stop it. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { CancelFlags } from '../../protocol/engine/cancel-flags.ts';
import { linkTo, relay, type EngineLink } from '../../protocol/engine/relay.ts';
import type { Transport } from '../../protocol/transports/transport.ts';
import { workerThreadsTransport } from '../../protocol/transports/worker-threads.ts';
import { collectGarbage } from './collect-garbage.ts';
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

export interface SpawnEngineOptions {
  /** The engine worker's script: `new URL('./engine-worker.js', import.meta.url)` in built code. */
  workerUrl: URL;
  /** Folder with one folder per model. */
  modelsDir: string;
  /** Paths of models outside of that folder by id. Default none. */
  modelPaths?: Readonly<Record<string, string>>;
  /** File for measurements of this computer. Default none: each process measures for itself. */
  measurementsPath?: string;
  /** Folder of the prefix cache. Default none: K and V are not stored beyond the process. */
  prefixFolder?: string;
  /** Path of another model, requested on demand; null for an unknown id. */
  locate?(modelId: string): Promise<string | null>;
  /** The engine began or finished loading or unloading a client's model. */
  onModel?(changing: boolean): void;
  /**
   * Connects to a thread with WebGPU, in another process. Without it, the engine uses Dawn.
   * @throws Error with the reason why there is none
   */
  connectGpu?(): Promise<Transport>;
}

/** A running engine thread. */
export interface EngineThread {
  /** A new connection, with its own cancel flags, for a client in this thread. */
  open(): Transport;
  /** As `open`, for a client elsewhere. */
  connect(client: Transport): { close(): void };
  /** Resolves with the reason when the thread has ended in any way. Connections are then closed. */
  readonly ended: Promise<string>;
  terminate(): Promise<void>;
}

export function startEngineThread(options: SpawnEngineOptions): EngineThread {
  const { modelsDir, modelPaths = {}, locate = async () => null, connectGpu } = options;
  const { measurementsPath = null, prefixFolder = null } = options;
  const connectsGpu = connectGpu !== undefined;
  const workerData: EngineWorkerData = { modelsDir, modelPaths, measurementsPath, prefixFolder, connectsGpu };
  const worker = new Worker(options.workerUrl, { workerData, name: 'engine' });
  const links = new Set<EngineLink>();
  let reason: string | null = null;
  let over = false;
  worker.on('error', (error) => (reason = `The engine thread failed: ${describe(error)}`));
  // The worker sends nothing else to its parent.
  worker.on('message', (message: LocateMessage | ModelMessage | GpuMessage | GarbageMessage) => {
    if (message.type === 'garbage') return collectGarbage();
    if (message.type === 'model') return options.onModel?.(message.changing);
    if (message.type === 'gpu') return void giveGpu(message.request);
    const { request, modelId } = message;
    void locate(modelId).then((path) => {
      worker.postMessage({ type: 'located', request, path } satisfies LocatedMessage);
    });
  });
  const giveGpu = async (request: number): Promise<void> => {
    try {
      const gpu = await connectGpu!();
      const { port1, port2 } = new MessageChannel();
      relay(workerThreadsTransport(port1), gpu);
      const message: GpuConnectedMessage = { type: 'gpuConnected', request, port: port2 };
      worker.postMessage(message, [port2]);
    } catch (error) {
      worker.postMessage({ type: 'gpuConnected', request, problem: describe(error) } satisfies GpuConnectedMessage);
    }
  };
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code) => {
      over = true;
      for (const link of links) link.lost();
      resolve(reason ?? `The engine thread exited with code ${code}.`);
    });
  });

  const open = (): Transport => {
    const { port1, port2 } = new MessageChannel();
    const memory = CancelFlags.allocate();
    const message: ConnectMessage = { type: 'connect', port: port2, cancelFlags: memory };
    worker.postMessage(message, [port2]);
    const link = linkTo(workerThreadsTransport(port1), new CancelFlags(memory));
    links.add(link);
    if (over) link.lost();
    const { transport } = link;
    return {
      ...transport,
      close() {
        links.delete(link);
        transport.close();
      },
    };
  };

  return {
    ended,
    open,
    connect: (client) => relay(client, open()),
    async terminate() {
      await worker.terminate();
    },
  };
}

/** One engine for one client in this process, as in the CLI. */
export function spawnEngine(
  options: SpawnEngineOptions,
): { transport: Transport } & Pick<EngineThread, 'ended' | 'terminate'> {
  const thread = startEngineThread(options);
  return { transport: thread.open(), ended: thread.ended, terminate: () => thread.terminate() };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
