/** One running app for all tests of a worker that do not ask for their own. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchOptions, RunningApp } from './app.ts';
import { Guard } from './guard.ts';
import { resetApp } from './reset.ts';

type Launch = (options: LaunchOptions) => Promise<RunningApp>;

export function temporaryDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tokenscope-e2e-'));
}

interface Running {
  app: RunningApp;
  /** The environment that it was started with, serialised. */
  env: string;
  /** Names in its data folder that a reset keeps. */
  kept: ReadonlySet<string>;
}

/** One per Playwright worker. */
export class SharedApp {
  #dataDir: string | null = null;
  #running: Running | null = null;
  /** Whether a test used it since it was started or reset. */
  #used = false;

  /**
   * The empty data folder for the next test.
   * @throws Error when the app could not be reset, and processes outlived it
   */
  async dataDir(): Promise<string> {
    if (this.#dataDir !== null && this.#used) await this.#reset(this.#dataDir);
    this.#used = true;
    return (this.#dataDir ??= await temporaryDataDir());
  }

  /** The app on that folder, with a page as after a start. */
  async open(dataDir: string, env: Record<string, string>, launch: Launch): Promise<RunningApp> {
    if (this.#running !== null && this.#running.env !== JSON.stringify(env)) await this.#quit();
    if (this.#running !== null && (await this.#running.app.openPage()) !== null) await this.#quit();
    if (this.#running === null) {
      const app = await launch({ dataDir, env, guard: new Guard() });
      // Its services create the lock of the folder, which a reset must not delete. The site has none.
      if (app.host !== 'site') {
        await app.page.waitForLoadState('load');
        await app.services.invoke('about');
      }
      // Keeps measurements of the computer: repeating them for each test would take longer than most tests.
      const kept = new Set([...(await readdir(dataDir)), 'measurements.json']);
      this.#running = { app, env: JSON.stringify(env), kept };
    }
    return this.#running.app;
  }

  /** @throws Error when processes outlived the app */
  async close(): Promise<void> {
    await this.#quit();
    if (this.#dataDir !== null) await rm(this.#dataDir, { recursive: true, force: true });
    this.#dataDir = null;
  }

  async #reset(dataDir: string): Promise<void> {
    if (this.#running !== null && (await resetApp(this.#running.app, this.#running.kept)) !== null) await this.#quit();
    if (this.#running !== null) return;
    for (const name of await readdir(dataDir)) await rm(join(dataDir, name), { recursive: true, force: true });
  }

  async #quit(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    const left = await running.app.close();
    if (left.length > 0) throw new Error(`Processes outlived the shared app: ${left.join(', ')}`);
  }
}
