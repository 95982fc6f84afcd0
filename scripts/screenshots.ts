/**
 * `npm run screenshots`: takes the pictures in docs/screenshots/ from the app as it is now, each view in the light and
 * the dark theme, in a usual and in the smallest window.
 */
import { chromium, type Page } from 'playwright';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatPage } from '../e2e/pages/chat.ts';
import { startServer, stopServer } from '../e2e/support/web-app.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { findChromium } from './lib/chromium.ts';
import { root } from './lib/run.ts';
import { smallPng } from './lib/small-png.ts';

const FOLDER = join(root, 'docs', 'screenshots');
const USUAL = { width: 1280, height: 800 };
const SMALL = { width: 480, height: 600 };
const PROMPT = 'Once upon a time, there was a little';

interface Shot {
  /** Takes a picture in the usual window. */
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
  // Back at its top.
  await chat.openPanel('stop');
  await chat.openPanel('sampling');
  await page.getByText('can be picked').waitFor();
  await shot('panel-sampling');
  for (const tab of ['stop', 'prompt', 'context', 'rate'] as const) {
    await chat.openPanel(tab);
    await shot(`panel-${tab}`);
  }
  await chat.openPanel('sampling');
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill('root ::= item{1,5}\nitem ::= [1-9] ". " text "\\n"\n');
  await chat.id('grammar-source-problem').waitFor();
  await chat.id('grammar-source-problem').scrollIntoViewIfNeeded();
  await shot('answer-format');
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
  await chat.send('the cat '.repeat(600).trim());
  await chat.id('error-card').waitFor();
  await chat.id('error-card').scrollIntoViewIfNeeded();
  await shot('error');
  await shot.small('error', () => chat.id('error-card').scrollIntoViewIfNeeded());

  await chat.id('nav-models').click();
  await chat.id('model-card').waitFor();
  await page.getByText('Feed-forward').waitFor();
  await shot('models');
  await shot.small('models');

  await chat.id('nav-tokenizer').click();
  await chat.id('tokenizer-bos').check();
  await chat.id('tokenizer-text').fill(`${PROMPT} robot named Tom, who loved unbelievably long walks.`);
  await chat.id('piece').nth(2).hover();
  await shot('tokenizer');
  await shot.small('tokenizer');
  await chat.id('open-settings').click();
  await chat.id('theme-select').waitFor();
  await shot('settings');
  await shot.small('settings');
}

/** Photographs `page` into files that name the view, the theme and the window. */
function photographer(page: Page, theme: string): Shot {
  const take = async (name: string) => {
    await page.evaluate(async () => {
      await document.fonts.ready;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    });
    await writeFile(join(FOLDER, `${name}.png`), smallPng(await page.screenshot({ animations: 'disabled' })));
  };
  return Object.assign((view: string) => take(`${view}-${theme}`), {
    async small(view: string, prepare?: () => Promise<void>, restore?: () => Promise<void>) {
      await page.setViewportSize(SMALL);
      await prepare?.();
      await take(`${view}-${theme}-small`);
      await restore?.();
      await page.setViewportSize(USUAL);
    },
  });
}

const executablePath = findChromium();
if (!executablePath) throw new Error('Screenshots need a Chromium: npx tsx scripts/system-packages.ts');
await ensureBuilt(['main', 'app']);
await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath });
for (const colorScheme of ['light', 'dark'] as const) {
  // The settings show this path, so it is the same every time.
  const dataDir = join(tmpdir(), 'tokenscope-screenshots');
  await rm(dataDir, { recursive: true, force: true });
  const server = await startServer({ dataDir });
  const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce', viewport: USUAL });
  const page = await context.newPage();
  await page.goto(server.origin);
  await walk(page, photographer(page, colorScheme));
  await context.close();
  await stopServer(server.child);
  await rm(dataDir, { recursive: true, force: true });
}
await browser.close();

const names = await readdir(FOLDER);
const sizes = await Promise.all(names.map(async (name) => (await stat(join(FOLDER, name))).size));
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(`${names.length} pictures in ${FOLDER} (${(total / 1024).toFixed(0)} KiB)`);
