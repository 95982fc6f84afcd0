/** Screenshots of the view Inside: its steps, two runs side by side, the lesson, and a larger model. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { InsidePage } from '../../e2e/pages/inside.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import { EXAMPLE } from '../../src-renderer/features/inside/state/examples.ts';
import { PAGES } from '../../src-renderer/features/inside/steps.ts';
import { CHAT_MODEL } from './picture-texts.ts';
import type { Shot } from '../screenshots.ts';

/** Steps that are also taken in the smallest window. */
const SMALL: ReadonlySet<string> = new Set(['tokenize', 'attention', 'why']);

/** @param file a model of more layers and heads than the built-in one */
export async function walkInside(page: Page, shot: Shot, file: string): Promise<void> {
  const inside = new InsidePage(page);
  await new ChatPage(page).ready();
  await inside.show();
  for (const { id } of PAGES) {
    await inside.step(id);
    if (id === 'attention') await pointAtCell(inside);
    if (id === 'what-if') await inside.id('head-off').click();
    await page.mouse.move(0, 0);
    await settled(inside);
    await shot(`inside-${id}`);
    if (SMALL.has(id)) await shot.small(`inside-${id}`);
  }
  await inside.id('pair-attention').click();
  await inside.pick('inside-layer', 1);
  await settled(inside);
  await shot('inside-changes');
  await inside.id('inside-beside').selectOption('text');
  await inside.step('head');
  await settled(inside);
  await page.mouse.move(0, 0);
  await shot('inside-pair');
  await shot.small('inside-pair');

  await inside.id('lesson-open').click();
  await inside.step('attention');
  await settled(inside);
  await shot('inside-lesson');
  await shot.small('inside-lesson');
  await inside.id('lesson-open').click();

  const models = new ModelsPage({ page, electron: null });
  await models.show();
  await models.open(file);
  await models.load(CHAT_MODEL);
  await inside.show();
  await inside.id('inside-text').fill(EXAMPLE);
  for (const id of ['position', 'attention', 'head', 'why'] as const) {
    await inside.step(id);
    await settled(inside);
    await shot(`inside-${id}-large`);
  }
}

/** The last token of the example, and one that it looks at. */
async function pointAtCell(inside: InsidePage): Promise<void> {
  await settled(inside);
  const cells = inside.id('attention').getByTestId('picture-cells');
  await cells.focus();
  for (const key of ['PageDown', 'PageDown', 'ArrowRight', 'ArrowRight']) await cells.press(key);
  await cells.evaluate((element) => element.blur());
}

/** Resolves when everything on the page has been computed. */
async function settled(inside: InsidePage): Promise<void> {
  await inside.page.waitForFunction(() => {
    const page = document.querySelector('[data-testid="step-page"]');
    return page !== null && page.querySelector('figure') !== null && page.querySelector('[aria-busy="true"]') === null;
  });
}
