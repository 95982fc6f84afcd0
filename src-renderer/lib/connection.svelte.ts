/** Connects the page to the engine and the app's services, in any host. */
import { ENGINE_PORT_MESSAGE, type TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import type { ExecutorName } from '../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../src-main/protocol/engine/api.ts';
import { connectWorkerEngine, type WorkerModelFiles } from '../../src-main/protocol/engine/browser-engine.ts';
import { EngineClient } from '../../src-main/protocol/engine/client.ts';
import { backendLost } from '../../src-main/protocol/errors.ts';
import type { Transport } from '../../src-main/protocol/transports/transport.ts';
import { messagePortTransport } from '../../src-main/protocol/transports/message-port.ts';
import { EngineWatch } from './engine-watch.ts';
import { electronModelOpener, webModelOpener, type LendFiles, type ModelOpener } from './model-opener.ts';
import { saveFile } from './save-file.ts';
import { electronServices, webServices, type PageServices } from './services.ts';
import { workerUrl } from './trusted-url.ts';

/** `lost`: there is no engine, and none is being started. */
export type ConnectionState = 'starting' | 'ready' | 'lost';

export interface Connection {
  readonly services: PageServices;
  readonly models: ModelOpener;
  /** Reactive. `ready` means that the engine is running, not that it has a model. */
  readonly engine: ConnectionState;
  /** False while the engine does not answer a trivial call. Reactive. */
  readonly responds: boolean;
  /** Why the engine is not ready, if known. Reactive. */
  readonly message: string | null;
  /** What models can run on here, the default first. */
  readonly executors: readonly ExecutorName[];
  /** Each engine is this page's own and new, so that it has no model yet. Otherwise other windows may share it. */
  readonly ownsEngine: boolean;
  /**
   * Saves a text as a file: the person chooses the path, or the browser saves a download.
   * @returns whether it was saved; false if the dialog was cancelled
   * @throws EngineError STORAGE
   */
  saveText(name: string, text: string): Promise<boolean>;
  /** @throws EngineError BACKEND_LOST while there is no engine */
  client(): EngineApi;
  /** Ends the engine, even if it hangs, and starts a new one. */
  restart(): void;
  /** Calls `listener` now and with every change: the engine, or null. @returns unsubscribes */
  onEngine(listener: (engine: EngineApi | null) => void): () => void;
}

/** How a page reaches its services: Electron's bridge, the key of the web host, or services in the page itself. */
export type Way = { bridge: TokenscopeBridge } | { key: string } | { services: PageServices };

export function connect(way: Way): Connection {
  if ('bridge' in way) return new ElectronConnection(way.bridge);
  return 'key' in way ? new WebConnection(webServices(way.key), way.key) : new WebConnection(way.services, null);
}

const WITHOUT_GPU: readonly ExecutorName[] = ['wasm', 'reference'];
const WITH_GPU: readonly ExecutorName[] = ['wasm', 'webgpu', 'reference'];

abstract class LiveConnection implements Connection {
  readonly executors: readonly ExecutorName[] = WITHOUT_GPU;
  readonly ownsEngine: boolean = false;
  engine = $state<ConnectionState>('starting');
  message = $state<string | null>(null);
  responds = $state(true);
  #client: EngineClient | null = null;
  #watched: EngineApi | null = null;
  readonly #listeners = new Set<(engine: EngineApi | null) => void>();

  abstract readonly models: ModelOpener;

  constructor(readonly services: PageServices) {}

  abstract saveText(name: string, text: string): Promise<boolean>;
  abstract restart(): void;
  /** The engine that was attached is gone. */
  protected abstract lost(): void;

  client(): EngineApi {
    if (this.#watched === null) throw backendLost();
    return this.#watched;
  }

  onEngine(listener: (engine: EngineApi | null) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#watched);
    return () => this.#listeners.delete(listener);
  }

  protected attach(transport: Transport): void {
    this.detach('starting');
    const client = new EngineClient(transport);
    this.#client = client;
    this.#watched = new EngineWatch(client, (responds) => {
      if (this.#client === client) this.responds = responds;
    });
    this.engine = 'ready';
    this.message = null;
    void client.closed.then(() => {
      if (this.#client === client) this.lost();
    });
    this.#tell();
  }

  /** There is no engine. */
  protected detach(state: Exclude<ConnectionState, 'ready'>, message: string | null = null): void {
    const client = this.#client;
    this.#client = null;
    this.#watched = null;
    this.responds = true;
    this.engine = state;
    this.message = message;
    client?.close();
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.#watched);
  }
}

/** The main process brokers the ports and restarts the utility process. The page uses each new port. */
class ElectronConnection extends LiveConnection {
  override readonly executors = WITH_GPU;
  readonly models: ModelOpener;

  constructor(readonly bridge: TokenscopeBridge) {
    super(electronServices(bridge));
    this.models = electronModelOpener(bridge, this.services);
    window.addEventListener('message', (event: MessageEvent<unknown>) => {
      const port = event.ports[0];
      if (event.source === window && isPortMessage(event.data) && port) this.attach(messagePortTransport(port));
    });
    this.services.onEvent((event) => {
      // `ready` counts when the port arrives, and a loss only if the port does not report it.
      if (event.type === 'engine' && event.state !== 'ready' && this.engine !== 'ready') {
        this.detach(event.state, event.message);
      }
    });
    bridge.requestEnginePort();
  }

  saveText(name: string, text: string): Promise<boolean> {
    return this.services.invoke('textSave', { name, text });
  }

  restart(): void {
    this.detach('starting');
    // If this fails, there is no engine, and the main process reports why in an event.
    this.services.invoke('engineRestart').catch((error: unknown) => this.detach('lost', String(error)));
  }

  protected override lost(): void {
    this.detach('starting');
    this.bridge.requestEnginePort();
  }
}

function isPortMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === ENGINE_PORT_MESSAGE;
}

/** An engine that dies within this time after its start is not restarted automatically, ms. */
const TOO_SOON_MS = 3000;
const MAX_EARLY_DEATHS = 3;

/** The engine is a Worker of the page. */
class WebConnection extends LiveConnection {
  // The Worker has WebGPU where the page has.
  override readonly executors = 'gpu' in navigator ? WITH_GPU : WITHOUT_GPU;
  override readonly ownsEngine = true;
  readonly models: ModelOpener;
  /** Files that are lent to each new Worker. */
  readonly #lent = new Map<string, WorkerModelFiles>();
  #worker: Worker | null = null;
  #startedAt = 0;
  #earlyDeaths = 0;

  /** @param key of the web host; null without one */
  constructor(
    services: PageServices,
    readonly key: string | null,
  ) {
    super(services);
    const lend: LendFiles = (id, name, files) => {
      const message: WorkerModelFiles = { type: 'model-files', id, name, files };
      if (files === null) this.#lent.delete(id);
      else this.#lent.set(id, message);
      this.#worker?.postMessage(message);
    };
    this.models = webModelOpener(services, lend, key !== null);
    this.#start();
  }

  saveText(name: string, text: string): Promise<boolean> {
    saveFile(new Blob([text], { type: 'application/json' }), name);
    return Promise.resolve(true);
  }

  restart(): void {
    this.#earlyDeaths = 0;
    this.#start();
  }

  protected override lost(): void {
    this.#earlyDeaths = performance.now() - this.#startedAt < TOO_SOON_MS ? this.#earlyDeaths + 1 : 0;
    if (this.#earlyDeaths < MAX_EARLY_DEATHS) return this.#start();
    this.detach('lost', `The engine stopped ${MAX_EARLY_DEATHS} times in a row right after starting.`);
  }

  #start(): void {
    this.detach('starting');
    this.#worker?.terminate();
    this.#startedAt = performance.now();
    const worker = new Worker(workerUrl('engine.worker.js'), { type: 'module' });
    this.#worker = worker;
    const transport = connectWorkerEngine(worker, this.key ?? '');
    for (const message of this.#lent.values()) worker.postMessage(message);
    this.attach(transport);
  }
}
