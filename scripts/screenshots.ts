/**
 * `npm run screenshots`: takes the screenshots in docs/screenshots/ from the current app, each view in the light and the
 * dark theme, in a typical and in the smallest window, and the pictures of docs/sampling.md. `npm run screenshots -- PART`
 * takes those of one part only:
 *
 *     models        the Models page
 *     presets       presets and messages with files
 *     conversation  formatted replies, versions, a full window, palette and search
 *     code          a reply with code
 *     notebook      a notebook
 *     compare       Compare
 *     inside        Inside
 *     desktop       the desktop app, with its menus
 */
import { chromium, type Page } from 'playwright';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatPage } from '../e2e/pages/chat.ts';
import { startServer, stopServer } from '../e2e/support/web-app.ts';
import { signedInAddress } from '../e2e/support/web-key.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { fetchTestModel } from './fetch-test-model.ts';
import { walkChatModel } from './lib/chat-model-walk.ts';
import { findChromium } from './lib/chromium.ts';
import { walkCode } from './lib/code-walk.ts';
import { walkCompare } from './lib/compare-walk.ts';
import { walkConversation } from './lib/conversation-walk.ts';
import { walkDesktop } from './lib/desktop-walk.ts';
import { walkInside } from './lib/inside-walk.ts';
import { withLock } from './lib/lock.mjs';
import { startModelsHub, walkModels } from './lib/models-walk.ts';
import { walkNotebook } from './lib/notebook-walk.ts';
import { walkPresets } from './lib/presets-walk.ts';
import { root } from './lib/run.ts';
import { drawSamplingExamples } from './lib/sampling-examples.ts';
import { smallPng } from './lib/small-png.ts';

const FOLDER = join(root, 'docs', 'screenshots');
const USUAL = { width: 1280, height: 800 };
const SMALL = { width: 480, height: 600 };
const START_TIMEOUT_MS = 120_000;
const PROMPT = 'Once upon a time, there was a little';

/** Stages that are off by default, switched on. */
const CHAIN = [
  ['penalties', 'repeatPenalty', '1.10'],
  ['dry', 'dryMultiplier', '0.80'],
  ['xtc', 'xtcProbability', '0.50'],
] as const;
/** Invisible characters, other scripts, words that are unknown to the small model, a special token. */
const HARD_TEXT = 'a\u00a0b\u200bc\td\r\nStraße 東京 e\u0301 \u{1f469}\u200d\u{1f680}\n<EOS> once upon a time';

/** How the names of the pictures of each part begin. */
const PARTS = {
  models: ['models-'],
  code: ['code-'],
  compare: ['compare-', 'waterfall-', 'sampling-'],
  notebook: ['notebook-'],
  presets: ['presets-', 'attachments-'],
  conversation: ['markdown', 'messages-', 'context-', 'habits-'],
  inside: ['inside-'],
  desktop: ['desktop-', 'menu-', 'updates-'],
};

export interface Shot {
  /** Takes a screenshot in the typical window. */
  (view: string): Promise<void>;
  /** Takes one in the smallest window, between `prepare` and `restore`. */
  small(view: string, prepare?: () => Promise<void>, restore?: () => Promise<void>): Promise<void>;
}

/** Shows each view in turn; `shot` takes its picture. */
async function walk(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  await chat.ready();
  await shot('first-run');
  await shot.small('first-run');

  await chat.openPanel('sampling');
  await chat.set('seed', 1);
  await chat.ask(PROMPT);
  await page.getByText('can be picked').waitFor();
  await chat.id('setting-preset').scrollIntoViewIfNeeded();
  await shot('panel-sampling');
  for (const tab of ['stop', 'prompt', 'context', 'rate'] as const) {
    await chat.openPanel(tab);
    if (tab === 'prompt') await chat.id('rendered-chat').waitFor();
    await shot(`panel-${tab}`);
  }
  await chat.openPanel('sampling');
  for (const [stage, setting, value] of CHAIN) {
    await chat.id(`switch-${stage}`).check();
    await chat.set(setting, value);
  }
  await chat.stageMenu('top_k', 'stage-again');
  await chat.grip('penalties').scrollIntoViewIfNeeded();
  await chat.grip('dry').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await shot('sampler-chain');
  await shot.small(
    'sampler-chain',
    async () => {
      await chat.openPanel('sampling');
      await chat.grip('dry').scrollIntoViewIfNeeded();
    },
    () => page.keyboard.press('Escape'),
  );
  await chat.id('reset-sampling').click();
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill('root ::= item{1,5}\nitem ::= [1-9] ". " text "\\n"\n');
  await chat.id('grammar-source-problem').waitFor();
  await chat.id('grammar-source-problem').scrollIntoViewIfNeeded();
  await shot('answer-format');
  await shot.small(
    'answer-format',
    async () => {
      await chat.openPanel('sampling');
      await chat.id('grammar-source-problem').waitFor();
      await chat.id('grammar-source-problem').scrollIntoViewIfNeeded();
    },
    () => page.keyboard.press('Escape'),
  );
  await chat.id('grammar-none').click();
  await chat.id('panel-toggle').click();
  await shot('chat-text');
  await shot.small('chat-text');
  await shot.small(
    'panel-sampling',
    async () => {
      await chat.openPanel('sampling');
      await page.getByText('can be picked').waitFor();
    },
    () => page.keyboard.press('Escape'),
  );

  await chat.id('view-tokens').click();
  await chat.lastReply.getByTestId('token').nth(5).hover();
  await chat.id('token-popover').waitFor();
  await shot('chat-tokens');
  await page.mouse.move(0, 0);
  await chat.id('view-text').click();

  await chat.id('new-chat').click();
  await chat.id('composer').fill('the cat '.repeat(600).trim());
  await chat.id('composer').press('Enter');
  await chat.id('too-long').waitFor();
  await shot('error');
  await shot.small('error', () => chat.id('too-long').scrollIntoViewIfNeeded());
  await chat.id('composer').fill('');

  await chat.id('nav-tokenizer').click();
  await chat.id('tokenizer-bos').check();
  await chat.id('tokenizer-text').fill(`${PROMPT} robot named Tom, who loved unbelievably long walks.`);
  await chat.id('piece').nth(2).hover();
  await shot('tokenizer');
  await shot.small('tokenizer');
  await chat.id('tokenizer-text').fill('');
  await shot('tokenizer-empty');
  await chat.id('tokenizer-text').fill(HARD_TEXT);
  await chat.id('tokenizer-special').check();
  await page.getByText('<EOS>', { exact: true }).hover();
  await shot('tokenizer-unseen');

  await walkChatModel(page, shot, smolLM2);
  await chat.id('open-settings').click();
  await chat.id('theme-select').waitFor();
  await shot('settings');
  await shot.small('settings');
}

/** Saves screenshots of `page`, with view, theme and window in the file name. */
function photographer(page: Page, theme: string): Shot {
  const take = async (name: string) => {
    await drawn(page);
    await writeFile(join(FOLDER, `${name}.png`), smallPng(await page.screenshot({ animations: 'disabled' })));
  };
  return Object.assign((view: string) => take(`${view}-${theme}`), {
    async small(view: string, prepare?: () => Promise<void>, restore?: () => Promise<void>) {
      await page.setViewportSize(SMALL);
      await prepare?.();
      await take(`${view}-${theme}-small`);
      await restore?.();
      await page.setViewportSize(USUAL);
      // Panels beside the thread are visible again before the next step.
      await drawn(page);
    },
  });
}

/** Resolves when the page has its fonts and is completely rendered. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  });
}

/** Opens a fresh app for `visit`. @param env additional environment of the server */
async function withApp(
  colorScheme: 'light' | 'dark',
  env: Record<string, string>,
  visit: (page: Page, shot: Shot) => Promise<void>,
): Promise<void> {
  // The settings show this path, so it must be constant.
  const dataDir = join(tmpdir(), 'tokenscope-screenshots');
  await rm(dataDir, { recursive: true, force: true });
  const server = await startServer({ dataDir, env });
  try {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce', viewport: USUAL });
    const page = await context.newPage();
    await page.goto(await signedInAddress(server.origin, dataDir));
    // On a busy machine this takes longer than the limits of the steps that follow.
    await page.locator('[data-testid="engine-state"][data-state="ready"]').waitFor({ timeout: START_TIMEOUT_MS });
    await visit(page, photographer(page, colorScheme));
    await context.close();
  } finally {
    await stopServer(server.child);
    await rm(dataDir, { recursive: true, force: true });
  }
}

const executablePath = findChromium();
if (!executablePath) throw new Error('Screenshots need Chromium: npx tsx scripts/system-packages.ts');
await ensureBuilt(['main', 'app']);
const only = (Object.keys(PARTS) as (keyof typeof PARTS)[]).find((part) => process.argv.includes(part));
const takes = (part: keyof typeof PARTS) => only === undefined || only === part;
await mkdir(FOLDER, { recursive: true });
const smolLM2 = await fetchTestModel(console.log);
const browser = await chromium.launch({ executablePath });
// Another run would delete the data folder.
await withLock(join(tmpdir(), 'tokenscope-screenshots.lock'), async () => {
  for (const name of await readdir(FOLDER)) {
    if (only === undefined || PARTS[only].some((start) => name.startsWith(start))) await rm(join(FOLDER, name));
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    if (only === undefined) await withApp(colorScheme, {}, walk);
    if (takes('presets')) await withApp(colorScheme, {}, walkPresets);
    if (takes('conversation')) await withApp(colorScheme, {}, walkConversation);
    if (takes('code')) await withApp(colorScheme, {}, (page, shot) => walkCode(page, shot, smolLM2));
    if (takes('notebook')) await withApp(colorScheme, {}, walkNotebook);
    if (takes('compare')) await withApp(colorScheme, {}, (page, shot) => walkCompare(page, shot, smolLM2));
    if (takes('inside')) await withApp(colorScheme, {}, (page, shot) => walkInside(page, shot, smolLM2));
    if (takes('desktop'))
      await walkDesktop(colorScheme, (name, png) => writeFile(join(FOLDER, `${name}.png`), smallPng(png)));
    if (!takes('models')) continue;
    const hub = await startModelsHub(smolLM2);
    await withApp(colorScheme, hub.env, (page, shot) => walkModels(page, shot, hub));
    await hub.close();
  }
  if (takes('compare')) await withApp('light', {}, (page) => drawSamplingExamples(page, FOLDER));
});
await browser.close();

const names = await readdir(FOLDER);
const sizes = await Promise.all(names.map(async (name) => (await stat(join(FOLDER, name))).size));
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(`${names.length} pictures in ${FOLDER} (${(total / 1024).toFixed(0)} KiB)`);
