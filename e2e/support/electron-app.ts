import { _electron, type ElectronApplication, type Page } from '@playwright/test';
import type * as Electron from 'electron';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { sandboxProblem } from '../../scripts/lib/processes.ts';
import { root } from '../../scripts/lib/run.ts';
import type { AppAnswer } from '../../src-main/protocol/app/app-bridge.ts';
import { unwrap, type Invoke, type LaunchOptions, type RunningApp } from './app.ts';
import { leftOver, processTree } from './processes.ts';

const LAUNCH_TIMEOUT_MS = 15_000;
export const ELECTRON_ORIGIN = 'app://tokenscope';
const PAGE = `${ELECTRON_ORIGIN}/index.html`;
/** A document of the app's own origin with the bridge, but without the app. */
const EMPTY_DOCUMENT = `${ELECTRON_ORIGIN}/engine.worker.js`;

export async function launchElectronApp(options: LaunchOptions): Promise<RunningApp> {
  let { electron, page, child } = await start(options);

  const close = async () => {
    // It exited by itself.
    if (child.exitCode !== null || child.signalCode !== null) return [];
    const pids = await processTree(child.pid ?? 0);
    await electron.close();
    return await leftOver(pids);
  };
  const invoke: Invoke = (method, ...params) => invokeInPage(page, method, params) as ReturnType<typeof invoke>;

  return {
    host: 'electron',
    dataDir: options.dataDir,
    guard: options.guard,
    origin: ELECTRON_ORIGIN,
    services: { invoke },
    get electron() {
      return electron;
    },
    get page() {
      return page;
    },
    get context() {
      return electron.context();
    },
    get pid() {
      return child.pid ?? 0;
    },
    async restart() {
      const from = performance.now();
      const left = await close();
      const quitMs = performance.now() - from;
      if (left.length > 0) throw new Error(`Processes outlived the app: ${left.join(', ')}`);
      ({ electron, page, child } = await start(options));
      return quitMs;
    },
    async crash() {
      const pids = await processTree(child.pid ?? 0);
      const closed = electron.waitForEvent('close');
      child.kill('SIGKILL');
      await closed;
      await leftOver(pids);
      ({ electron, page, child } = await start(options));
    },
    async killEngine() {
      process.kill(await enginePid(electron), 'SIGKILL');
    },
    async leavePage() {
      // Chromium's own view of a text file.
      options.guard.allow(/apply inline style/);
      // The app treats an aborted first load as a failed start.
      await page.waitForLoadState('load');
      await page.goto(EMPTY_DOCUMENT);
      await page.evaluate(() => localStorage.clear());
    },
    async openPage() {
      // Playwright cannot restore the window's own page size.
      if (page.viewportSize() !== null) return 'the size of its page was changed';
      await electron.context().unrouteAll();
      await page.unrouteAll();
      await page.emulateMedia({
        media: null,
        colorScheme: null,
        reducedMotion: null,
        forcedColors: null,
        contrast: null,
      });
      await resetWindow(electron);
      await page.goto(PAGE);
      return null;
    },
    close,
  };
}

interface Kept {
  dialogs: Partial<typeof Electron.dialog>;
  bounds: Electron.Rectangle | undefined;
}

/** Resets what tests change in the main process. */
async function resetWindow(electron: ElectronApplication): Promise<void> {
  await electron.evaluate(({ BrowserWindow, clipboard, dialog }) => {
    const scope = globalThis as { tokenscopeKept?: Kept };
    const [window, ...others] = BrowserWindow.getAllWindows().sort((a, b) => a.id - b.id);
    if (scope.tokenscopeKept === undefined) {
      scope.tokenscopeKept = { dialogs: { ...dialog }, bounds: window?.getBounds() };
      return;
    }
    const { dialogs, bounds } = scope.tokenscopeKept;
    Object.assign(dialog, dialogs);
    clipboard.clear();
    for (const other of others) other.destroy();
    if (window === undefined || bounds === undefined) return;
    if (window.isMaximized()) window.unmaximize();
    if (JSON.stringify(window.getBounds()) !== JSON.stringify(bounds)) window.setBounds(bounds);
    window.webContents.setZoomLevel(0);
  });
}

interface Started {
  electron: ElectronApplication;
  page: Page;
  /** Playwright drops the process once it has exited. */
  child: ChildProcess;
}

async function start(options: LaunchOptions): Promise<Started> {
  const electron = await launch(options);
  const page = await electron.firstWindow({ timeout: LAUNCH_TIMEOUT_MS });
  await resetWindow(electron);
  return { electron, page, child: electron.process() };
}

/** Electron hangs in about one launch of sixty under a debugger: a short limit and a second attempt. */
async function launch(options: LaunchOptions): Promise<ElectronApplication> {
  const { args = [] } = options;
  const preload = args.length > 0 ? ['-r', join(import.meta.dirname, 'keep-features.cjs')] : [];
  const attempt = async () =>
    await _electron.launch({
      args: [...preload, root, ...(sandboxProblem() ? ['--no-sandbox'] : []), ...args],
      cwd: root,
      env: { ...(process.env as Record<string, string>), TOKENSCOPE_DATA_DIR: options.dataDir, ...options.env },
      timeout: LAUNCH_TIMEOUT_MS,
    });
  const electron = await attempt().catch(attempt);
  options.guard.watch(electron.context(), ELECTRON_ORIGIN);
  return electron;
}

/** The engine's utility process. */
export async function enginePid(electron: ElectronApplication): Promise<number> {
  const pids = await electron.evaluate(({ app }) =>
    app
      .getAppMetrics()
      .filter((metric) => metric.type === 'Utility' && metric.serviceName === 'node.mojom.NodeService')
      .map((metric) => metric.pid),
  );
  if (pids.length !== 1) throw new Error(`One engine process expected, found ${pids.length}`);
  return pids[0]!;
}

/** As JSON: Playwright takes seconds for the values of a long chat, most of them in the page. */
async function invokeInPage(page: Page, method: string, params: unknown[]): Promise<unknown> {
  const answer = await page.evaluate(
    async ([name, json]) => {
      const bridge = (window as unknown as { tokenscope: { invoke(...args: unknown[]): Promise<AppAnswer> } })
        .tokenscope;
      return JSON.stringify(await bridge.invoke(name, ...(JSON.parse(json) as unknown[])));
    },
    [method, JSON.stringify(params)] as const,
  );
  return unwrap(JSON.parse(answer) as AppAnswer);
}
