/**
 * `npm run screenshots`: takes the pictures in docs/screenshots/ from the app as it is now, each view in the light and
 * the dark theme, in a usual and in the smallest window.
 */
import { chromium, type Page } from 'playwright';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatPage } from '../e2e/pages/chat.ts';
import { ModelsPage } from '../e2e/pages/models.ts';
import { startServer, stopServer } from '../e2e/support/web-app.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { fetchTestModel } from './fetch-test-model.ts';
import { findChromium } from './lib/chromium.ts';
import { root } from './lib/run.ts';
import { smallPng } from './lib/small-png.ts';

const FOLDER = join(root, 'docs', 'screenshots');
const USUAL = { width: 1280, height: 800 };
const SMALL = { width: 480, height: 600 };
const PROMPT = 'Once upon a time, there was a little';

/** Stages that are off by themselves, turned on. */
const CHAIN = [
  ['penalties', 'repeatPenalty', '1.10'],
  ['dry', 'dryMultiplier', '0.80'],
  ['xtc', 'xtcProbability', '0.50'],
] as const;
/** Characters that cannot be seen, other scripts, words that the small model does not know, a special token. */
const HARD_TEXT = 'a\u00a0b\u200bc\td\r\nStraße 東京 e\u0301 \u{1f469}\u200d\u{1f680}\n<EOS> once upon a time';
const CHAT_MODEL = 'Smollm2 135M 8k Lc100K Mix1 Ep2';
const BROKEN_TEMPLATE = `{%- for message in messages %}
<|{{ message.role }}|>
{{ message.content | shout }}
{%- endfor %}`;
const THINKING_TEMPLATE = `{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n<think>\\n' }}
{%- endif %}
`;
const THOUGHT_AND_ANSWER = `root ::= thought "\\n</think>\\n\\n" answer
thought ::= [A-Z] [^<\\n.]{40,120} ". " [A-Z] [^<\\n.]{40,120} "."
answer ::= [A-Z] [^<\\n.]{20,120} "."
`;

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
  await shot.small('sampler-chain', async () => {
    await chat.openPanel('sampling');
    await chat.grip('dry').scrollIntoViewIfNeeded();
  });
  await page.keyboard.press('Escape');
  await chat.openPanel('sampling');
  await chat.id('reset-sampling').click();
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill('root ::= item{1,5}\nitem ::= [1-9] ". " text "\\n"\n');
  await chat.id('grammar-source-problem').waitFor();
  await chat.id('grammar-source-problem').scrollIntoViewIfNeeded();
  await shot('answer-format');
  await shot.small('answer-format', async () => {
    await chat.openPanel('sampling');
    await chat.id('grammar-source-problem').waitFor();
    await chat.id('grammar-source-problem').scrollIntoViewIfNeeded();
  });
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
  await chat.id('tokenizer-text').fill('');
  await shot('tokenizer-empty');
  await chat.id('tokenizer-text').fill(HARD_TEXT);
  await chat.id('tokenizer-special').check();
  await page.getByText('<EOS>', { exact: true }).hover();
  await shot('tokenizer-unseen');

  await walkChatModel(page, chat, shot);
  await chat.id('open-settings').click();
  await chat.id('theme-select').waitFor();
  await shot('settings');
  await shot.small('settings');
}

/** What only a model with a chat template has: the template, its errors, a system prompt, reasoning. */
async function walkChatModel(page: Page, chat: ChatPage, shot: Shot): Promise<void> {
  const models = new ModelsPage({ page, electron: null });
  await models.show();
  await models.open(await fetchTestModel(console.log));
  await models.load(CHAT_MODEL);
  await chat.id('nav-chat').click();
  await chat.newChat();
  await chat.id('system-prompt-toggle').click();
  await chat.id('system-prompt').fill('You are a friendly teacher. You answer in one or two short sentences.');
  await chat.openPanel('sampling');
  await chat.set('seed', 5);
  await chat.openPanel('prompt');
  await chat.id('composer').fill('Why is the sky blue?');
  await chat.id('rendered-chat').waitFor();
  await shot('template');
  await shot.small('template', async () => {
    await chat.openPanel('prompt');
    await chat.id('rendered-chat').waitFor();
  });
  await page.keyboard.press('Escape');
  await chat.openPanel('prompt');
  await chat.id('template-custom').check();
  await chat.id('template-source').fill(BROKEN_TEMPLATE);
  await chat.id('template-error').waitFor();
  await shot('template-error');
  await chat.send('Why is the sky blue?');
  await chat.id('error-card').waitFor();
  await shot('template-refused');

  await chat.newChat();
  await chat.id('template-source').fill(THINKING_TEMPLATE);
  await chat.openPanel('sampling');
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill(THOUGHT_AND_ANSWER);
  await chat.id('grammar-ok').waitFor();
  await chat.openPanel('prompt');
  await chat.send('What is a good name for a small grey cat?');
  await chat.id('reasoning').waitFor();
  await shot('reasoning-written');
  await chat.finished();
  await shot('reasoning');
  await shot.small('reasoning');
  await chat.id('reasoning-toggle').click();
  await shot('reasoning-unfolded');
  await chat.id('view-tokens').click();
  await shot('reasoning-tokens');
  await chat.id('view-text').click();
}

/** Photographs `page` into files that name the view, the theme and the window. */
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
      // What stands beside the thread is back before anything is looked for there.
      await drawn(page);
    },
  });
}

/** Resolves when the page has its fonts and shows what it has to show. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
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
