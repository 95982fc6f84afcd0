/** The static web build in a browser. Its server is stopped after the first visit, so everything runs offline. */
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveSite } from '../../scripts/web/serve-site.ts';
import type { Invoke, LaunchOptions, RunningApp } from './app.ts';
import { endWorker, newContext } from './web-app.ts';

/** Browsers look for a later build and fail. */
const NO_SERVER = /ERR_CONNECTION_REFUSED|error occurred when fetching the script/;

interface Visit {
  context: BrowserContext;
  page: Page;
  address: string;
}

export async function launchSiteApp(browser: Browser, options: LaunchOptions): Promise<RunningApp> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-site-'));
  // The bundler takes long to load, and most tests do not need it.
  const { buildWeb } = await import('../../scripts/build-web.ts');
  await buildWeb(folder);
  let { context, page, address } = await visit(browser, folder, options);

  const reopen = async () => {
    page = await context.newPage();
    await page.goto(address);
  };
  const invoke: Invoke = (...[method]) => Promise.reject(new Error(`The site has no services to call: ${method}.`));
  return {
    host: 'site',
    electron: null,
    dataDir: options.dataDir,
    guard: options.guard,
    services: { invoke },
    // The browser's own: nothing else runs.
    pid: 0,
    get origin() {
      return new URL(address).origin;
    },
    get page() {
      return page;
    },
    get context() {
      return context;
    },
    async restart() {
      const from = performance.now();
      for (const left of context.pages()) await left.close({ runBeforeUnload: false });
      const quitMs = performance.now() - from;
      await reopen();
      return quitMs;
    },
    async crash() {
      await page.close({ runBeforeUnload: false });
      await reopen();
    },
    killEngine: () => endWorker(page),
    async leavePage() {
      await context.close();
    },
    async openPage() {
      ({ context, page, address } = await visit(browser, folder, options));
      return null;
    },
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
      return [];
    },
  };
}

/** The first visit of a new browser, after which there is no server any more. */
async function visit(browser: Browser, folder: string, options: LaunchOptions): Promise<Visit> {
  const { address, close } = await serveSite(folder);
  const context = await newContext(browser, new URL(address).origin, options);
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await close();
  options.guard.allow(NO_SERVER);
  await page.reload();
  return { context, page, address };
}
