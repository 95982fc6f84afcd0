/** Screenshots of a notebook. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { NotebookPage } from '../../e2e/pages/notebook.ts';
import { withNewChart } from './new-chart.ts';
import type { Shot } from '../screenshots.ts';

const BEGINNING = 'Once upon a time, there was a little';
const TOKEN = 8;

export async function walkNotebook(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  const notebook = new NotebookPage(page);
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.set('seed', 1);
  await notebook.open();
  await chat.id('notebook').getByText('can be picked').waitFor();
  await shot('notebook-empty');
  await shot.small('notebook-empty');
  await page.keyboard.type(BEGINNING);
  await page.keyboard.press('Control+Enter');
  await notebook.finished();
  await chat.id('notebook-tab-context').click();
  await page.locator('[data-testid="notebook-meter"]:not([aria-valuetext^="0 "])').waitFor();
  await shot('notebook-text');
  await shot.small('notebook-text');
  await chat.id('view-tokens').click();
  await withNewChart(page, () => notebook.tokens.nth(TOKEN).click());
  await chat.id('token-popover').waitFor();
  await shot('notebook-tokens');
  await shot.small('notebook-tokens');
}
