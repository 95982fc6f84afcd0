import type { Browser, BrowserContext, Page } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../scripts/lib/run.ts';
import type { AppAnswer } from '../../src-main/protocol/app/app-bridge.ts';
import { PREFIX_DATABASE } from '../../src-main/protocol/prefix-database-name.ts';
import { unwrap, type Invoke, type LaunchOptions, type RunningApp } from './app.ts';
import { leftOver, processTree } from './processes.ts';
import { printedAddress, signIn, type SignIn } from './web-key.ts';

const START_TIMEOUT_MS = 15_000;
const VIEWPORT = { width: 1280, height: 800 };

interface Server extends SignIn {
  child: ChildProcess;
}

export async function launchWebApp(browser: Browser, options: LaunchOptions): Promise<RunningApp> {
  let server = await startServer(options);
  let context = await newContext(browser, server.origin, options);
  let page = await openPage(context, server);

  const close = async () => {
    await context.close();
    return await stopServer(server.child);
  };
  // Without the page, so that a test can call it while none is open.
  const invoke: Invoke = (method, ...params) => invokeOverHttp(server, method, params) as ReturnType<typeof invoke>;

  return {
    host: 'web',
    electron: null,
    dataDir: options.dataDir,
    guard: options.guard,
    services: { invoke },
    get origin() {
      return server.origin;
    },
    get page() {
      return page;
    },
    get context() {
      return context;
    },
    get pid() {
      return server.child.pid ?? 0;
    },
    async restart({ keepsBrowser = false } = {}) {
      const from = performance.now();
      if (keepsBrowser) for (const open of context.pages()) await open.close();
      const left = keepsBrowser ? await stopServer(server.child) : await close();
      const quitMs = performance.now() - from;
      if (left.length > 0) throw new Error(`Processes outlived the web host: ${left.join(', ')}`);
      // Another port is another origin, which has none of the browser's storage.
      server = await startServer(options, keepsBrowser ? Number(new URL(server.origin).port) : undefined);
      if (!keepsBrowser) context = await newContext(browser, server.origin, options);
      page = await openPage(context, server);
      return quitMs;
    },
    async crash() {
      // The host first: its page must not be notified, and reports only that the host is gone.
      options.guard.allow(/net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)/);
      server.child.kill('SIGKILL');
      await once(server.child, 'exit');
      for (const left of context.pages()) await left.close();
      // The same browser at the same address, as for a person who starts the host again.
      server = await startServer(options, Number(new URL(server.origin).port));
      page = await openPage(context, server);
    },
    killEngine: () => endWorker(page),
    async leavePage() {
      for (const left of context.pages()) await left.close();
    },
    async openPage() {
      await resetContext(context);
      page = await openPage(context, server, true);
      return null;
    },
    close,
  };
}

/** Ends the engine's latest Worker, as a crash does. */
export async function endWorker(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { engineWorkers } = window as unknown as { engineWorkers: Worker[] };
    engineWorkers.at(-1)?.terminate();
  });
}

export async function newContext(browser: Browser, origin: string, options: LaunchOptions): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: VIEWPORT });
  options.guard.watch(context, origin);
  // Functions that tsx compiled call it.
  await context.addInitScript('globalThis.__name ??= (value) => value');
  await context.addInitScript(rememberWorkers);
  return context;
}

/**
 * Resets a context, except for the browser's compiled code and stored measurements: repeating them for each test would
 * take longer than most tests.
 */
async function resetContext(context: BrowserContext): Promise<void> {
  await context.unrouteAll();
  await context.clearPermissions();
  await context.clearCookies();
}

/** @param forget clears what earlier pages stored in the browser */
async function openPage(context: BrowserContext, server: Server, forget = false): Promise<Page> {
  const page = await context.newPage();
  if (forget) {
    const session = await context.newCDPSession(page);
    await session.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'local_storage' });
    // Before the page starts its engine. Its other database has the measurements.
    const source = `indexedDB.deleteDatabase(${JSON.stringify(PREFIX_DATABASE)})`;
    await session.send('Page.addScriptToEvaluateOnNewDocument', { source });
    await page.goto(server.address);
    await session.detach();
  } else await page.goto(server.address);
  return page;
}

/** Runs in the page before its own code: records the workers it starts, so that a test can terminate one. */
function rememberWorkers(): void {
  const started: Worker[] = [];
  const Original = window.Worker;
  Object.assign(window, {
    engineWorkers: started,
    Worker: class extends Original {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        if (String(args[0]).includes('engine.worker')) started.push(this);
      }
    },
  });
}

/** @param port 0: a free one */
export async function startServer(options: Omit<LaunchOptions, 'guard'>, port = 0): Promise<Server> {
  const child = spawn(process.execPath, [join(root, 'out/main/web-host.js'), '--port', String(port)], {
    cwd: root,
    env: { ...process.env, TOKENSCOPE_DATA_DIR: options.dataDir, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const deadline = Date.now() + START_TIMEOUT_MS;
  let address = printedAddress(output);
  while (address === null) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The web host did not start:\n${output}`);
    }
    await sleep(10);
    address = printedAddress(output);
  }
  return { child, ...signIn(address) };
}

export async function stopServer(child: ChildProcess): Promise<number[]> {
  const pids = await processTree(child.pid ?? 0);
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await Promise.race([once(child, 'exit'), sleep(3000)]);
  }
  const left = await leftOver(pids);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return left;
}

async function invokeOverHttp({ origin, headers }: SignIn, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ method, params });
  const response = await fetch(`${origin}/api/invoke`, { method: 'POST', headers, body });
  return unwrap((await response.json()) as AppAnswer);
}
