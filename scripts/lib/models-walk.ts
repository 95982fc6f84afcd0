/** The Models page for `npm run screenshots`: a library, downloads and found models like a user's. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { hubPath, startDownloadServer } from '../../e2e/support/download-server.ts';
import { rewriteGguf } from '../../src-main/engine/test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../src-main/engine/test-support/tiny-gguf.ts';
import { readCatalogue } from '../../src-main/services/models/catalogue.ts';
import { CHAT_MODEL } from './picture-texts.ts';
import { capture, root } from './run.ts';
import type { ShownAs } from './tidy-page.ts';
import type { Shot } from '../screenshots.ts';

/** Chats and settings of the app in the pictures. */
export const DATA_DIR = join(tmpdir(), 'tokenscope-screenshots');

const SMALL_MODEL = 'smollm2-135m-instruct-q4_1';
const SLOW_MODEL = 'smollm2-360m-instruct-q4_k_m';
const REFUSED_MODEL = 'qwen3-0.6b-q8_0';
const MODEL_WITH_TERMS = 'gemma-3-270m-it-q8_0';

export interface ModelsHub {
  /** Makes the app use this hub and these folders. */
  env: Record<string, string>;
  folder: string;
  shownAs: ShownAs;
  close(): Promise<void>;
}

/** A hub on this computer with a fast and a slow model. */
export async function startModelsHub(smolLM2: string): Promise<ModelsHub> {
  const { hub, models } = await readCatalogue(join(root, 'resources', 'catalogue.json'));
  const server = await startDownloadServer();
  const pathOf = (id: string): string => {
    const entry = models.find((model) => model.id === id);
    if (entry === undefined) throw new Error(`The catalogue has no ${id}.`);
    return hubPath(entry.repository, entry.revision, entry.file);
  };
  const slowBytes = models.find(({ id }) => id === SLOW_MODEL)?.bytes ?? 0;
  server.serve(pathOf(SMALL_MODEL), await readFile(smolLM2));
  server.serve(pathOf(SLOW_MODEL), Buffer.alloc(slowBytes));
  server.behave(pathOf(SLOW_MODEL), { kind: 'slow', chunkBytes: 2_000_000, waitMs: 100 });
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-hub-'));
  const lmstudio = join(folder, '.lmstudio', 'models', 'lmstudio-community', 'Story-1M-GGUF');
  await mkdir(lmstudio, { recursive: true });
  await writeFile(join(lmstudio, 'Story-1M-F32.gguf'), await smallModel('llama', 'Story 1M'));
  return {
    env: { TOKENSCOPE_HUB_MIRROR: server.url, HOME: folder, HF_HOME: join(folder, 'none') },
    folder,
    shownAs: [
      [server.url, hub],
      [new URL(server.url).host, new URL(hub).host],
      [folder, '/home/maria'],
    ],
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A model that is loaded at once. */
async function smallModel(architecture: 'llama' | 'qwen2', name: string): Promise<Uint8Array> {
  const metadata = { 'general.name': { type: 'string', value: name } } as const;
  return await rewriteGguf(await tinyGguf(architecture), { metadata });
}

export async function walkModels(page: Page, shot: Shot, hub: ModelsHub): Promise<void> {
  const chat = new ChatPage(page);
  const entry = (id: string) => page.locator(`[data-testid="catalogue-entry"][data-entry="${id}"]`);
  const card = (name: string) =>
    chat.id('model-card').filter({ has: page.getByRole('heading', { name, exact: true }) });
  const toTop = () =>
    page.locator('main:has([data-testid="open-model"]) [data-region]').evaluateAll((regions) => {
      for (const region of regions) region.scrollTo(0, 0);
    });
  await chat.ready();
  await chat.id('nav-models').click();
  await entry(SMALL_MODEL).getByTestId('download').click();
  await entry(SMALL_MODEL).getByTestId('show-downloaded').click();
  await card(CHAT_MODEL).getByTestId('load-model').click();
  await card(CHAT_MODEL).getByTestId('unload-model').waitFor({ timeout: 60_000 });
  await chat.id('measure').click();
  await page.getByText('Measure again').waitFor({ timeout: 60_000 });
  // Shows the app as at the next start.
  await page.reload();
  await chat.ready();
  await shot('models-last-at-start');
  await shot.small('models-last-at-start');
  await chat.id('nav-models').click();
  await entry(SLOW_MODEL).getByTestId('download').click();
  await page
    .getByText(/\d\ss left|\d\smin/)
    .first()
    .waitFor();
  // It is sent at 20 MB/s.
  await page
    .getByText(/(9\d|1\d\d) of 271\sMB/)
    .first()
    .waitFor();
  await toTop();
  await page.mouse.move(0, 0);
  await shot('models');
  await shot.small('models');
  await shot.small(
    'models-detail',
    () => card(CHAT_MODEL).getByRole('button', { name: CHAT_MODEL, exact: true }).click(),
    () => page.keyboard.press('Escape'),
  );
  await entry(SLOW_MODEL).getByTestId('download-pause').click();
  await entry(REFUSED_MODEL).getByTestId('download').click();
  await chat.id('download-problem').waitFor();
  await entry(MODEL_WITH_TERMS).locator('button').first().click();
  await chat.id('entry-url').waitFor();
  await entry(MODEL_WITH_TERMS).scrollIntoViewIfNeeded();
  await page.mouse.move(0, 0);
  await shot('models-catalogue');
  await shot.small('models-catalogue', () => entry(REFUSED_MODEL).evaluate((row) => row.scrollIntoView()));
  await entry(MODEL_WITH_TERMS).getByTestId('read-terms').click();
  await chat.id('terms').waitFor();
  await shot('models-terms');
  await shot.small('models-terms');
  await page.keyboard.press('Escape');

  await showProblems(page, hub.folder);
  await toTop();
  await shot('models-problems');
  await shot.small('models-problems', () => chat.id('model-problem').first().scrollIntoViewIfNeeded());
}

/** A missing model and a changed one, during a reply. */
async function showProblems(page: Page, folder: string): Promise<void> {
  const chat = new ChatPage(page);
  const [stories, letters] = [join(folder, 'robot-stories.gguf'), join(folder, 'letters.gguf')];
  await writeFile(stories, await smallModel('llama', 'Robot stories'));
  await writeFile(letters, await smallModel('llama', 'Letters'));
  for (const path of [stories, letters]) {
    const command = [join(root, 'scripts/tokenscope.mjs'), 'models', 'add', path];
    await capture(process.execPath, command, { env: { ...process.env, TOKENSCOPE_DATA_DIR: DATA_DIR } });
  }
  await rename(stories, join(folder, 'elsewhere.gguf'));
  await writeFile(letters, await smallModel('qwen2', 'Letters'));
  await chat.id('nav-chat').click();
  await chat.openPanel('stop');
  await chat.set('ignoreEos', true);
  await chat.set('maxTokens', 4000);
  await chat.set('repetitionWindow', 0);
  await chat.send('Write a long story about a lighthouse keeper.');
  await chat.id('nav-models').click();
  await chat.id('reply-warning').waitFor();
  await page.getByText('150,336').waitFor();
}
