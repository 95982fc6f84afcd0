import { _electron, type ElectronApplication, type Page } from '@playwright/test';
import { sandboxProblem } from '../../scripts/lib/processes.ts';
import { root } from '../../scripts/lib/run.ts';
import type { AppAnswer } from '../../src-main/protocol/app-bridge.ts';
import { unwrap, type Invoke, type LaunchOptions, type RunningApp } from './app.ts';
import { leftOver, processTree } from './processes.ts';

const LAUNCH_TIMEOUT_MS = 15_000;
export const ELECTRON_ORIGIN = 'app://tokenscope';

export async function launchElectronApp(options: LaunchOptions): Promise<RunningApp> {
  let electron = await launch(options);
  let page = await electron.firstWindow({ timeout: LAUNCH_TIMEOUT_MS });

  const close = async () => {
    const pids = await processTree(electron.process().pid ?? 0);
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
    async restart() {
      const left = await close();
      if (left.length > 0) throw new Error(`Processes outlived the app: ${left.join(', ')}`);
      electron = await launch(options);
      page = await electron.firstWindow({ timeout: LAUNCH_TIMEOUT_MS });
    },
    async crash() {
      const child = electron.process();
      const pids = await processTree(child.pid ?? 0);
      const closed = electron.waitForEvent('close');
      child.kill('SIGKILL');
      await closed;
      await leftOver(pids);
      electron = await launch(options);
      page = await electron.firstWindow({ timeout: LAUNCH_TIMEOUT_MS });
    },
    async killEngine() {
      process.kill(await enginePid(electron), 'SIGKILL');
    },
    close,
  };
}

/** Electron hangs in about one launch of sixty under a debugger: a short limit and a second try. */
async function launch(options: LaunchOptions): Promise<ElectronApplication> {
  const attempt = async () =>
    await _electron.launch({
      args: [root, ...(sandboxProblem() ? ['--no-sandbox'] : [])],
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

async function invokeInPage(page: Page, method: string, params: unknown[]): Promise<unknown> {
  const answer = await page.evaluate(
    async ([name, args]) => {
      const bridge = (window as unknown as { tokenscope: { invoke(...args: unknown[]): Promise<AppAnswer> } })
        .tokenscope;
      return await bridge.invoke(name, ...args);
    },
    [method, params] as const,
  );
  return unwrap(answer);
}
