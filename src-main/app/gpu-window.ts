/**
 * A hidden page whose Workers have WebGPU, for the engine, whose process has none. It exists while the engine uses it. It
 * belongs to no window, so it is not counted as one and does not keep the app running.
 */
import { app, MessageChannelMain, session, WebContentsView, type MessagePortMain, type Session } from 'electron';
import { setTimeout as sleep } from 'node:timers/promises';
import { GPU_PAGE, GPU_PORT_CHANNEL } from '../protocol/app/gpu-window.ts';
import { APP_ORIGIN } from './app-protocol.ts';

/** Has its own folder, where Chromium stores compiled shaders. */
const PARTITION = 'persist:gpu';

export interface GpuWindowParts {
  /** Path of the preload script. */
  preload: string;
  /** Restricts the page's session and serves its files. Called once. */
  prepare(session: Session): void;
}

interface Page {
  readonly view: WebContentsView;
  readonly loaded: Promise<void>;
}

export class GpuWindow {
  readonly #parts: GpuWindowParts;
  #page: Page | null = null;
  #isPrepared = false;

  constructor(parts: GpuWindowParts) {
    this.#parts = parts;
  }

  /**
   * Starts a Worker with WebGPU. It ends with the returned port.
   * @throws Error with the reason why there is no WebGPU
   */
  async connect(): Promise<MessagePortMain> {
    const problem = await gpuProblem();
    if (problem !== null) throw new Error(problem);
    const page = (this.#page ??= this.#open());
    try {
      await page.loaded;
    } catch (error) {
      this.#end(page);
      throw new Error(`The GPU page did not load: ${String(error)}`, { cause: error });
    }
    const { port1, port2 } = new MessageChannelMain();
    page.view.webContents.postMessage(GPU_PORT_CHANNEL, null, [port2]);
    return port1;
  }

  /** Ends all Workers. */
  close(): void {
    if (this.#page !== null) this.#end(this.#page);
  }

  #open(): Page {
    const own = session.fromPartition(PARTITION);
    if (!this.#isPrepared) this.#parts.prepare(own);
    this.#isPrepared = true;
    const view = new WebContentsView({
      webPreferences: {
        preload: this.#parts.preload,
        session: own,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        navigateOnDragDrop: false,
        backgroundThrottling: false,
      },
    });
    const page = { view, loaded: view.webContents.loadURL(`${APP_ORIGIN}/${GPU_PAGE}`) };
    // Its ports close, so the engine notices.
    view.webContents.once('render-process-gone', () => this.#end(page));
    return page;
  }

  #end(page: Page): void {
    if (this.#page !== page) return;
    this.#page = null;
    page.view.webContents.close();
  }
}

/** Why Chromium offers no WebGPU here; null if it may. Needs no page, which would take hundreds of milliseconds. */
async function gpuProblem(): Promise<string | null> {
  // With this flag, Chromium offers any GPU.
  if (app.commandLine.hasSwitch('enable-unsafe-webgpu')) return null;
  // The status is wrong until Chromium has examined the GPU, which it never does if its GPU process cannot start.
  await Promise.race([app.getGPUInfo('basic').catch(() => undefined), sleep(INFO_MS)]);
  const { webgpu = 'unknown' } = app.getGPUFeatureStatus() as { webgpu?: string };
  if (webgpu.startsWith('enabled')) return null;
  const advice = process.platform === 'linux' ? ` ${ON_LINUX}` : '';
  return `Chromium offers no GPU to this app (${webgpu}).${advice}`;
}

const INFO_MS = 5000;
const ON_LINUX = 'To try it on Linux, start the app with --enable-unsafe-webgpu --enable-features=Vulkan.';
