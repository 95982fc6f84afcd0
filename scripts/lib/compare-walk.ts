/** Screenshots of Compare and of how a token was drawn. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { ComparePage } from '../../e2e/pages/compare.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import { CHAT_MODEL } from './picture-texts.ts';
import type { Shot } from '../screenshots.ts';

const PROMPT = 'Lily found a small door in the garden.';
/** Long enough to see the lanes while they stream. */
const STREAMED_PROMPT = 'Tell me a story about a small grey cat that lives in a lighthouse.';
/** Tokens in the picture of running lanes, at least. */
const STREAMED_TOKENS = 60;
const LOAD_TIMEOUT_MS = 120_000;

/** @param file a model that is slow enough to be seen while it generates */
export async function walkCompare(page: Page, shot: Shot, file: string): Promise<void> {
  const compare = new ComparePage(page);
  await walkDraw(page, shot);
  await compare.show();
  await shot('compare-empty');
  await shot.small('compare-empty');
  await limit(compare, 83);
  await compare.compare(PROMPT);
  await page.getByText('9 tokens', { exact: true }).first().waitFor();
  await page.mouse.move(0, 0);
  await shot('compare');
  await shot.small('compare', () => compare.id('lane-tab').nth(3).click());
  await shot.small('compare-figures', () => compare.id('lane-tab-figures').click());
  await compare.text(1).locator('[data-p]').nth(4).hover();
  await compare.id('token-popover').waitFor();
  await shot('compare-token');
  await page.mouse.move(0, 0);
  await compare.id('token-popover').waitFor({ state: 'hidden' });
  await compare.lane(1).getByTestId('lane-settings').click();
  await compare.id('lane-drawer').waitFor();
  await shot('compare-settings');
  await page.keyboard.press('Escape');

  await compare.id('mode-blind').click();
  await page.mouse.move(0, 0);
  await shot('compare-blind');
  await shot.small('compare-blind');
  await compare.id('vote').nth(1).click();
  await compare.id('vote-result').waitFor();
  await page.mouse.move(0, 0);
  await shot('compare-voted');
  await compare.id('mode-named').click();

  const models = new ModelsPage({ page, electron: null });
  await models.show();
  await models.open(file);
  await models.card(CHAT_MODEL).getByTestId('load-model').click();
  await models.card(CHAT_MODEL).getByTestId('unload-model').waitFor({ timeout: LOAD_TIMEOUT_MS });
  await compare.show();
  await compare.id('lane-sets').click();
  await compare.id('lane-set-guide').click();
  await limit(compare, 160);
  await compare.run(STREAMED_PROMPT);
  await compare.text(3).locator(`[data-index="${STREAMED_TOKENS}"]`).waitFor();
  await shot('compare-streaming');
  await shot.small('compare-streaming');
  await compare.id('compare-stop').click();
  await compare.finished();
}

/** How the second token of the example was drawn (docs/sampling.md). */
async function walkDraw(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.set('seed', 42);
  await chat.ask('Hello world');
  await chat.id('view-tokens').click();
  await chat.lastReply.getByTestId('token').nth(1).click();
  await chat.id('explain-draw').click();
  const explained = page.locator('[data-testid="waterfall-answer"][aria-busy="false"]');
  await chat.id('waterfall-table').waitFor();
  await explained.waitFor();
  await page.mouse.move(0, 0);
  await shot('waterfall');
  await shot.small('waterfall');
  await chat.id('waterfall').getByTestId('setting-temperature').fill('1.5');
  await chat.id('waterfall').getByTestId('setting-temperature').press('Enter');
  await explained.waitFor();
  await shot('waterfall-what-if');
  await page.keyboard.press('Escape');
  await chat.id('view-text').click();
}

async function limit(compare: ComparePage, tokens: number): Promise<void> {
  await compare.id('compare-limit').fill(String(tokens));
  await compare.id('compare-limit').press('Enter');
}
