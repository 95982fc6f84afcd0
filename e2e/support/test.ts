import { test as base, chromium, type Browser } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../../scripts/lib/chromium.ts';
import type { Host, RunningApp } from './app.ts';
import { launchElectronApp } from './electron-app.ts';
import { Guard } from './guard.ts';
import { launchWebApp } from './web-app.ts';

export { expect } from '@playwright/test';
export type { Host, RunningApp };

export interface HostOptions {
  /** Which host the tests of a project run in. */
  host: Host;
}

interface Fixtures {
  /** A fresh folder for chats and settings, removed afterwards. */
  dataDir: string;
  /**
   * The app, started on empty data. When the test ends, it fails if the page logged an error, was blocked by its content
   * security policy, asked another origin for something, or left processes behind.
   */
  app: RunningApp;
  /** More environment variables for the app. */
  appEnv: Record<string, string>;
}

interface WorkerFixtures {
  /** Starts the one Chromium of this worker, or gives the running one. */
  openChromium: () => Promise<Browser>;
}

const CHROMIUM_FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  // Nothing but this machine can be found by name.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export const test = base.extend<Fixtures & HostOptions, WorkerFixtures>({
  host: ['electron', { option: true }],

  openChromium: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
    async ({}, use) => {
      let browser: Promise<Browser> | undefined;
      await use(() => (browser ??= launchChromium()));
      await (await browser)?.close();
    },
    { scope: 'worker' },
  ],

  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
  dataDir: async ({}, use) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-e2e-'));
    await use(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  },

  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
  appEnv: async ({}, use) => use({}),

  app: async ({ host, dataDir, appEnv, openChromium }, use, testInfo) => {
    const options = { dataDir, guard: new Guard(), env: appEnv };
    const app =
      host === 'electron' ? await launchElectronApp(options) : await launchWebApp(await openChromium(), options);
    await use(app);
    if (testInfo.status !== testInfo.expectedStatus) {
      const screenshot = await app.page.screenshot().catch(() => null);
      if (screenshot) await testInfo.attach('at the end', { body: screenshot, contentType: 'image/png' });
    }
    const left = await app.close();
    base.expect(options.guard.problems(), 'what the page must never do').toEqual([]);
    base.expect(left, 'processes that outlived the app').toEqual([]);
  },
});

async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found: "npx tsx scripts/system-packages.ts" says how to get one.');
  return await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
}
