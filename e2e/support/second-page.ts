import type { Browser, Page } from '@playwright/test';
import type { RunningApp } from './app.ts';
import { startServer, stopServer } from './web-app.ts';
import { signedInAddress } from './web-key.ts';

export interface SecondPage {
  page: Page;
  close(): Promise<void>;
}

/** A separate web host on the app's data folder, as when the app and a browser are used at the same time. */
export async function pageOfOtherHost(app: RunningApp, browser: Browser): Promise<SecondPage> {
  const server = await startServer({ dataDir: app.dataDir });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  app.guard.watch(context, server.origin);
  const page = await context.newPage();
  await page.goto(await signedInAddress(server.origin, app.dataDir));
  return {
    page,
    async close() {
      await context.close();
      await stopServer(server.child);
    },
  };
}

/**
 * A second page on the same chats: another tab of the web host or of the site, or a web host beside Electron.
 */
export async function secondPage(app: RunningApp, browser: Browser): Promise<SecondPage> {
  if (app.host === 'electron') return await pageOfOtherHost(app, browser);
  const page = await app.context.newPage();
  await page.goto(app.host === 'site' ? app.origin : await signedInAddress(app.origin, app.dataDir));
  return { page, close: () => page.close() };
}
