import { test as base, chromium, type Browser } from '@playwright/test';
import { rm } from 'node:fs/promises';
import { findChromium, SOFTWARE_WEBGPU } from '../../scripts/lib/chromium.ts';
import type { Host, LaunchOptions, RunningApp } from './app.ts';
import { ownDisplay } from './display.ts';
import { launchElectronApp } from './electron-app.ts';
import { Guard } from './guard.ts';
import { keepToOneCore } from './one-core.ts';
import { SharedApp, temporaryDataDir } from './shared-app.ts';
import { launchSiteApp } from './site-app.ts';
import { launchWebApp } from './web-app.ts';

export { expect } from '@playwright/test';
export type { Host, RunningApp };

export interface HostOptions {
  /** Host of a project's tests. */
  host: Host;
}

interface Fixtures {
  /**
   * An app of the test's own, started for it and ended after it, instead of the one that all tests share:
   * `test.use({ freshApp: true })`, for tests that prepare its folder or its processes, or wear it out.
   */
  freshApp: boolean;
  /** The folder for chats and settings: empty before the app is started or reset, deleted at the end. */
  dataDir: string;
  /**
   * The app, on empty data. When the test ends, it fails if the page logged an error, was blocked by its content
   * security policy, or asked another origin for something. Processes that outlive the app fail the test whose own app
   * it was, or the test before which the shared one is restarted.
   */
  app: RunningApp;
  /** Additional arguments of Electron, for tests with `freshApp`. */
  appArgs: readonly string[];
  /** Additional environment variables for the app. If they differ from the previous test's, the app is restarted. */
  appEnv: Record<string, string>;
}

interface WorkerFixtures {
  /** Starts the single Chromium of this worker, or returns the running one. */
  openChromium: () => Promise<Browser>;
  display: void;
  sharedApp: SharedApp;
}

export const CHROMIUM_FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  // Only this machine can be resolved.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ...SOFTWARE_WEBGPU,
];

export const test = base.extend<Fixtures & HostOptions, WorkerFixtures>({
  host: ['electron', { option: true }],

  openChromium: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
    async ({}, use) => {
      let browser: Promise<Browser> | undefined;
      await use(() => (browser ??= launchChromium()));
      await (await browser)?.close();
    },
    { scope: 'worker' },
  ],

  display: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
    async ({}, use, { config, parallelIndex }) => {
      if (config.workers > 1) keepToOneCore(parallelIndex);
      const stop = await ownDisplay();
      await use();
      stop();
    },
    { scope: 'worker', auto: true },
  ],

  sharedApp: [
    async ({ display: _display, openChromium: _openChromium }, use) => {
      const shared = new SharedApp();
      await use(shared);
      await shared.close();
    },
    { scope: 'worker' },
  ],

  freshApp: [false, { option: true }],

  dataDir: async ({ freshApp, sharedApp }, use) => {
    if (!freshApp) return use(await sharedApp.dataDir());
    const dataDir = await temporaryDataDir();
    await use(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  },

  appArgs: [[], { option: true }],

  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
  appEnv: async ({}, use) => use({}),

  app: async ({ host, dataDir, appArgs, appEnv, freshApp, sharedApp, openChromium }, use, testInfo) => {
    const launch = async (options: LaunchOptions) => {
      if (host === 'electron') return await launchElectronApp(options);
      return await (host === 'web' ? launchWebApp : launchSiteApp)(await openChromium(), options);
    };
    const app = freshApp
      ? await launch({ dataDir, guard: new Guard(), env: appEnv, args: appArgs })
      : await sharedApp.open(dataDir, appEnv, launch);
    await use(app);
    if (testInfo.status !== testInfo.expectedStatus) {
      const screenshot = await app.page.screenshot().catch(() => null);
      if (screenshot) await testInfo.attach('at the end', { body: screenshot, contentType: 'image/png' });
    }
    const left: number[] = [];
    if (freshApp) left.push(...(await app.close()));
    else await app.leavePage();
    const problems = app.guard.problems();
    app.guard.reset();
    base.expect(problems, 'what the page must never do').toEqual([]);
    base.expect(left, 'processes that outlived the app').toEqual([]);
  },
});

async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found: "npx tsx scripts/system-packages.ts" says how to get one.');
  return await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
}
