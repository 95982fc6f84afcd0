/** What the measuring scripts share. */
import { chromium, expect } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchModel, FILE_TYPES, type FileType } from '../../bench/lib/bench-models.ts';
import { ChatPage } from '../pages/chat.ts';
import { ModelsPage } from '../pages/models.ts';
import { findChromium } from '../../scripts/lib/chromium.ts';
import type { Host, RunningApp } from '../support/app.ts';
import { prepareScript } from '../support/display.ts';
import { launchElectronApp } from '../support/electron-app.ts';
import { Guard } from '../support/guard.ts';
import { launchWebApp } from '../support/web-app.ts';

const READY = '[data-testid="engine-state"][data-state="ready"]';
/** Of a model, on a busy computer. */
const LOAD_TIMEOUT_MS = 120_000;
/** Between looks at whether something has ended. */
export const POLLING_MS = 100;

/** @throws Error with the allowed values */
export function fileTypes(list: string): FileType[] {
  return list.split(',').map((name) => {
    const type = FILE_TYPES.find((each) => each === name.trim());
    if (type === undefined) throw new Error(`--files takes ${FILE_TYPES.join(', ')}, not "${name}".`);
    return type;
  });
}

/** @throws Error with the allowed values */
export function hostNamed(name: string): Host {
  if (name !== 'electron' && name !== 'web') throw new Error(`--host takes electron or web, not "${name}".`);
  return name;
}

/** Runs `work` in the app on an empty data folder. */
export async function withApp(host: Host, work: (app: RunningApp) => Promise<void>): Promise<void> {
  const stopDisplay = await prepareScript();
  const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-measure-'));
  const guard = new Guard();
  const browser = host === 'web' ? await chromium.launch({ executablePath: findChromium()! }) : null;
  try {
    const app = await (browser ? launchWebApp(browser, { dataDir, guard }) : launchElectronApp({ dataDir, guard }));
    try {
      await app.page.locator(READY).waitFor({ timeout: LOAD_TIMEOUT_MS });
      // Functions compiled by tsx call it.
      await app.page.evaluate('globalThis.__name = (value) => value');
      await work(app);
    } finally {
      await app.close();
    }
    for (const problem of guard.problems()) console.log(problem);
  } finally {
    await browser?.close();
    await rm(dataDir, { recursive: true, force: true });
    stopDisplay();
  }
}

/** Loads SmolLM2 and lets its replies end at the token limit only. */
export async function loadSmolLM2(app: RunningApp, type: FileType, maxTokens: number): Promise<ChatPage> {
  const path = await benchModel(type, (line) => console.error(line));
  const models = new ModelsPage(app);
  await models.show();
  await models.open(path);
  // Its name changes when its header has been read.
  const card = models.id('model-card').filter({ hasText: /SmolLM2/iu });
  await card.getByTestId('load-model').click();
  await expect(card).toContainText('Loaded', { timeout: LOAD_TIMEOUT_MS });
  await app.page.keyboard.press('Control+1');
  const chat = new ChatPage(app.page, POLLING_MS);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', maxTokens);
  await chat.set('ignoreEos', true);
  await chat.set('repetitionWindow', 0);
  return chat;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** `2.61 (2.52 to 2.70)`: the median, and the quartiles. */
export function spread(values: readonly number[], digits: number): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(digits));
  return `${middle} (${low} to ${high})`;
}
