/**
 * Electron's utility process: the relay between each window and the engine's thread. The main process sends one port per
 * window and then passes no data. When the engine's thread ends, so does this process, and the supervisor in the main
 * process starts a new one.
 */
import { startEngineThread } from '../node/spawn-engine.ts';
import { type ElectronPort, electronPortTransport } from '../../protocol/transports/electron-port.ts';
import type { Transport } from '../../protocol/transports/transport.ts';
import {
  isUtilityGpuMessage,
  isUtilityLocatedMessage,
  isUtilityPortMessage,
  MEASUREMENTS_ARGUMENT,
  MODELS_DIR_ARGUMENT,
  PREFIXES_ARGUMENT,
  type UtilityGpuMessage,
  type UtilityMessage,
} from '../../protocol/app/utility-messages.ts';

/** Exit codes in addition to Node's. */
const EXIT_BAD_ARGUMENTS = 2;
const EXIT_ENGINE_ENDED = 3;

const { parentPort } = process;
const modelsDir = valueOf(MODELS_DIR_ARGUMENT);
const measurementsPath = valueOf(MEASUREMENTS_ARGUMENT);
const prefixFolder = valueOf(PREFIXES_ARGUMENT);

function valueOf(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(name))?.slice(name.length);
}

function fail(reason: string, code: number): void {
  tell({ type: 'failed', reason });
  // The message is sent in the event loop's next turn.
  setTimeout(() => process.exit(code), 50);
}

function tell(message: UtilityMessage): void {
  parentPort.postMessage(message);
}

function serve(folder: string): void {
  let requests = 0;
  /** Pending requests to the main process, which alone knows the paths of models. */
  const located = new Map<number, (path: string | null) => void>();
  const gpu = new GpuConnections();
  const thread = startEngineThread({
    workerUrl: new URL('./engine-worker.js', import.meta.url),
    modelsDir: folder,
    ...(measurementsPath === undefined ? {} : { measurementsPath }),
    ...(prefixFolder === undefined ? {} : { prefixFolder }),
    locate: (modelId) =>
      new Promise((resolve) => {
        located.set(++requests, resolve);
        tell({ type: 'locate', request: requests, modelId });
      }),
    onModel: (changing) => tell({ type: 'model', changing }),
    connectGpu: () => gpu.connect(),
  });
  const connections = new Map<number, { close(): void }>();

  parentPort.on('message', ({ data, ports }) => {
    if (isUtilityLocatedMessage(data)) {
      located.get(data.request)?.(data.path);
      located.delete(data.request);
      return;
    }
    const [port] = ports;
    if (isUtilityGpuMessage(data)) return gpu.answer(data, port);
    if (!isUtilityPortMessage(data) || port === undefined) {
      console.error('Ignored a message without a port.');
      return;
    }
    connections.get(data.windowId)?.close();
    connections.set(data.windowId, thread.connect(electronPortTransport(port)));
  });
  void thread.ended.then((reason) => fail(reason, EXIT_ENGINE_ENDED));
  tell({ type: 'ready' });
}

/** A page without a connection is kept for this long: a load asks for the adapter first, ms. */
const KEEP_PAGE_MS = 1000;

/** Connections to threads with WebGPU, which the main process opens. */
class GpuConnections {
  #requests = 0;
  readonly #pending = new Map<number, { resolve(transport: Transport): void; reject(error: Error): void }>();
  readonly #open = new Set<Transport>();
  #unused: NodeJS.Timeout | undefined;

  /** @throws Error with the reason why there is none */
  connect(): Promise<Transport> {
    return new Promise((resolve, reject) => {
      this.#pending.set(++this.#requests, { resolve, reject });
      this.#noteUse();
      tell({ type: 'gpu', request: this.#requests });
    });
  }

  answer({ request, problem }: UtilityGpuMessage, port: ElectronPort | undefined): void {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    if (port === undefined) pending?.reject(new Error(problem ?? 'The GPU was not opened.'));
    else pending?.resolve(this.#opened(electronPortTransport(port)));
    this.#noteUse();
  }

  #opened(transport: Transport): Transport {
    this.#open.add(transport);
    const closed = () => {
      this.#open.delete(transport);
      this.#noteUse();
    };
    return {
      ...transport,
      onClose: (listener) =>
        transport.onClose(() => {
          closed();
          listener();
        }),
      close() {
        transport.close();
        closed();
      },
    };
  }

  #noteUse(): void {
    clearTimeout(this.#unused);
    if (this.#open.size > 0 || this.#pending.size > 0) return;
    this.#unused = setTimeout(() => tell({ type: 'gpuUnused' }), KEEP_PAGE_MS);
  }
}

if (modelsDir === undefined) fail(`The argument ${MODELS_DIR_ARGUMENT}PATH is missing.`, EXIT_BAD_ARGUMENTS);
else serve(modelsDir);
