/**
 * Keeps the engine's process running and connects it with the page. The main process passes on the ports, but not the
 * data.
 */
import type { AppEvent } from '../protocol/app/app-services.ts';
import type {
  UtilityGpuMessage,
  UtilityLocatedMessage,
  UtilityMessage,
  UtilityPortMessage,
} from '../protocol/app/utility-messages.ts';

/** The used part of Electron's UtilityProcess. */
export interface EngineProcess<Port> {
  readonly pid: number | undefined;
  postMessage(message: unknown, ports: Port[]): void;
  on(event: 'message', listener: (message: UtilityMessage) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  /** V8 has to end it. `exit` follows. */
  on(event: 'error', listener: (type: string, location: string) => void): unknown;
  /** Asks it to exit. */
  kill(): boolean;
}

export interface SupervisorTimes {
  /** Waits before restarts after quick crashes, ms. No restart after more crashes than entries. */
  backOffMs: number[];
  /** A crash sooner than this after the start counts as quick, ms. */
  quickDeathMs: number;
  /** Maximum time of a start until the engine is ready, ms. */
  startMs: number;
  /** Time between asking the process to exit and killing it, ms. */
  killMs: number;
}

const DEFAULT_TIMES: SupervisorTimes = {
  backOffMs: [0, 500, 2000, 5000],
  quickDeathMs: 30_000,
  startMs: 30_000,
  killMs: 2000,
};

export interface SupervisorOptions<Port> {
  fork(): EngineProcess<Port>;
  createChannel(): { port1: Port; port2: Port };
  /** Passes a port to a page. */
  deliver(port: Port, pageId: number): void;
  emit(event: Extract<AppEvent, { type: 'engine' | 'engineModel' }>): void;
  /** Path of a model that a person opened; null for an unknown id. */
  locate(modelId: string): string | null;
  /** The page with WebGPU. */
  gpu: {
    /** A port to a new Worker. @throws Error with the reason why there is none */
    connect(): Promise<Port>;
    /** The engine needs no Worker any more. */
    close(): void;
  };
  /** Kills a process that does not exit when asked. */
  forceKill(pid: number): void;
  times?: Partial<SupervisorTimes>;
}

interface Running<Port> {
  process: EngineProcess<Port>;
  startedAt: number;
  /** Takes ports: it has started, and is not about to exit. */
  ready: boolean;
  /** Why it ends, if known. */
  reason: string | null;
  exited: Promise<void>;
}

export class EngineSupervisor<Port> {
  readonly #options: SupervisorOptions<Port>;
  readonly #times: SupervisorTimes;
  #running: Running<Port> | null = null;
  #waiting: NodeJS.Timeout | null = null;
  #quickDeaths = 0;
  /** Why the engine was not restarted; null while it runs or is being started. */
  #gaveUp: string | null = null;
  #restarting: Promise<void> | null = null;
  /** Pages that have requested a port. */
  readonly #pages = new Set<number>();
  #stopped = false;

  constructor(options: SupervisorOptions<Port>) {
    this.#options = options;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
  }

  start(): void {
    if (this.#running !== null || this.#stopped) return;
    this.#gaveUp = null;
    this.#emit('starting', null);
    const child = this.#options.fork();
    let reportExit: () => void = () => undefined;
    const exited = new Promise<void>((resolve) => (reportExit = resolve));
    const running: Running<Port> = { process: child, startedAt: Date.now(), ready: false, reason: null, exited };
    this.#running = running;
    const slow = setTimeout(() => {
      running.reason = `it did not start within ${this.#times.startMs / 1000} seconds`;
      void this.#end(running);
    }, this.#times.startMs);
    child.on('message', (message) => {
      if (message.type === 'failed') {
        running.reason = message.reason;
        // A port would be closed at once, and its page would request another.
        running.ready = false;
      }
      if (message.type === 'locate') {
        const { request, modelId } = message;
        const path = this.#options.locate(modelId);
        child.postMessage({ type: 'located', request, path } satisfies UtilityLocatedMessage, []);
      }
      if (message.type === 'gpu') void this.#connectGpu(child, message.request);
      if (message.type === 'gpuUnused') this.#options.gpu.close();
      if (message.type === 'model') this.#options.emit({ type: 'engineModel', changing: message.changing });
      if (message.type !== 'ready' || running.ready) return;
      clearTimeout(slow);
      running.ready = true;
      this.#emit('ready', null);
      for (const pageId of this.#pages) this.#connect(running, pageId);
    });
    // Without a listener, it would be an uncaught exception of the main process.
    child.on('error', (_type, location) => {
      running.reason ??= `fatal error in V8: ${location}`;
    });
    child.on('exit', (code) => {
      clearTimeout(slow);
      reportExit();
      // Its successor may use the page already.
      if (this.#running === running || this.#running === null) this.#options.gpu.close();
      this.#onExit(running, code);
    });
  }

  /**
   * A page requests a port: it gets one now, or when the engine is ready, and a new one after each restart. If the engine is
   * not restarted any more, this is reported again, because a page whose port is still open ignores the first report.
   */
  requestPort(pageId: number): void {
    this.#pages.add(pageId);
    if (this.#running?.ready) this.#connect(this.#running, pageId);
    else if (this.#gaveUp !== null) this.#emit('lost', this.#gaveUp);
  }

  /** The page is gone. */
  removePage(pageId: number): void {
    this.#pages.delete(pageId);
  }

  /** Restarts at a person's request, which resets the crash count. A request during a restart waits for that one. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => (this.#restarting = null));
    await this.#restarting;
  }

  /** Stops the engine permanently. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWait();
    const running = this.#running;
    this.#running = null;
    if (running !== null) await this.#end(running);
  }

  async #restart(): Promise<void> {
    this.#quickDeaths = 0;
    this.#cancelWait();
    const running = this.#running;
    if (running !== null) {
      this.#running = null;
      this.#emit('lost', 'The engine was restarted.');
      await this.#end(running);
    }
    this.start();
  }

  #connect(running: Running<Port>, pageId: number): void {
    const { port1, port2 } = this.#options.createChannel();
    // The page first: the engine closes the page's earlier port when it gets this one, and a page that saw that before it
    // had the new port would request another.
    this.#options.deliver(port2, pageId);
    running.process.postMessage({ type: 'port', windowId: pageId } satisfies UtilityPortMessage, [port1]);
  }

  async #connectGpu(child: EngineProcess<Port>, request: number): Promise<void> {
    const answer = (problem: string | null, ports: Port[]) =>
      child.postMessage({ type: 'gpu', request, problem } satisfies UtilityGpuMessage, ports);
    try {
      answer(null, [await this.#options.gpu.connect()]);
    } catch (error) {
      answer(error instanceof Error ? error.message : String(error), []);
    }
  }

  async #end({ process: child, exited }: Running<Port>): Promise<void> {
    child.kill();
    let force: NodeJS.Timeout | undefined;
    const neverStarted = new Promise<void>((resolve) => {
      force = setTimeout(() => {
        if (child.pid === undefined) resolve();
        else this.#options.forceKill(child.pid);
      }, this.#times.killMs);
    });
    await Promise.race([exited, neverStarted]);
    clearTimeout(force);
  }

  #onExit(running: Running<Port>, code: number): void {
    // Stopped on purpose: the caller continues from there.
    if (this.#running !== running) return;
    this.#running = null;
    const why = running.reason ?? `exit code ${code}`;
    const wasQuick = Date.now() - running.startedAt < this.#times.quickDeathMs;
    this.#quickDeaths = wasQuick ? this.#quickDeaths + 1 : 1;
    const wait = this.#times.backOffMs[this.#quickDeaths - 1];
    if (wait === undefined) {
      const times = `${this.#quickDeaths} times in a row`;
      this.#gaveUp = `The engine crashed ${times} (last: ${why}) and was not restarted.`;
      this.#emit('lost', this.#gaveUp);
      return;
    }
    this.#emit('lost', `The engine crashed (${why}). Restarting it.`);
    this.#waiting = setTimeout(() => {
      this.#waiting = null;
      this.start();
    }, wait);
  }

  #cancelWait(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting);
    this.#waiting = null;
  }

  #emit(state: 'starting' | 'ready' | 'lost', message: string | null): void {
    if (!this.#stopped) this.#options.emit({ type: 'engine', state, message });
  }
}
