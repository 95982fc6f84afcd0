/** Starts the engine in a worker thread, so that whoever starts it stays responsive and can stop it. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { CancelFlags } from '../../protocol/cancel-flags.ts';
import { relay } from '../../protocol/relay.ts';
import type { Transport } from '../../protocol/transport.ts';
import { memoryTransportPair } from '../../protocol/transports/memory.ts';
import { workerThreadsTransport } from '../../protocol/transports/worker-threads.ts';
import type { ConnectMessage, EngineWorkerData, LocatedMessage, LocateMessage } from './engine-worker-messages.ts';

export interface SpawnEngineOptions {
  /** The engine worker's script: `new URL('./engine-worker.js', import.meta.url)` in built code. */
  workerUrl: URL;
  /** Folder with one folder per model. */
  modelsDir: string;
  /** Models outside of that folder, by the ids that clients name them by. Default none. */
  modelPaths?: Readonly<Record<string, string>>;
  /** File for measurements of this computer. Default none: each process measures for itself. */
  measurementsPath?: string;
  /** Where other models lie, asked when one is wanted; null for an id that stands for none. */
  locate?(modelId: string): Promise<string | null>;
}

/** A running engine thread. */
export interface EngineThread {
  /** Joins another client, relayed: the engine's thread gets its own end and the client's cancel flags. */
  connect(client: Transport): { close(): void };
  /** Resolves with the reason when the thread has ended, for whatever reason. Connections are closed by then. */
  readonly ended: Promise<string>;
  terminate(): Promise<void>;
}

export function startEngineThread(options: SpawnEngineOptions): EngineThread {
  const { modelsDir, modelPaths = {}, measurementsPath = null, locate = async () => null } = options;
  const workerData: EngineWorkerData = { modelsDir, modelPaths, measurementsPath };
  const worker = new Worker(options.workerUrl, { workerData, name: 'engine' });
  const connections = new Set<{ close(): void }>();
  let reason: string | null = null;
  let over = false;
  worker.on('error', (error) => (reason = `The engine thread failed: ${describe(error)}`));
  // The worker sends nothing else to its parent.
  worker.on('message', ({ request, modelId }: LocateMessage) => {
    void locate(modelId).then((path) => {
      worker.postMessage({ type: 'located', request, path } satisfies LocatedMessage);
    });
  });
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code) => {
      over = true;
      for (const connection of connections) connection.close();
      resolve(reason ?? `The engine thread exited with code ${code}.`);
    });
  });

  return {
    ended,
    connect(client) {
      const { port1, port2 } = new MessageChannel();
      const memory = CancelFlags.allocate();
      const message: ConnectMessage = { type: 'connect', port: port2, cancelFlags: memory };
      worker.postMessage(message, [port2]);
      const connection = relay(client, workerThreadsTransport(port1), {
        cancelFlags: new CancelFlags(memory),
        onClosed: () => connections.delete(connection),
      });
      connections.add(connection);
      if (over) connection.close();
      return connection;
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

/** One engine for one client in this process, as the CLI needs it. The transport is relayed already. */
export function spawnEngine(options: SpawnEngineOptions): { transport: Transport; terminate(): Promise<void> } {
  const thread = startEngineThread(options);
  const [transport, inner] = memoryTransportPair();
  thread.connect(inner);
  return { transport, terminate: () => thread.terminate() };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
