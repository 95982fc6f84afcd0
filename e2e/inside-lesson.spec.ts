/** The lesson, by keyboard from beginning to end. */
import type { Locator, Page } from '@playwright/test';
import { STEPS, type StepId } from '../src-renderer/features/inside/steps.ts';
import { ChatPage } from './pages/chat.ts';
import { InsidePage } from './pages/inside.ts';
import { expectNoViolationsIn } from './support/axe.ts';
import { expect, test } from './support/test.ts';

/** Stops before an element, at most. */
const MAX_TABS = 60;
/** Cells that are tried. */
const MAX_TRIES = 12;

/** The picture that each question is about, and the keys to the right cell; after `then` the next one is tried. */
const ANSWERS: Partial<Record<StepId, { picture: string; keys: string[]; then?: string }>> = {
  tokenize: { picture: 'pieces', keys: [] },
  embed: { picture: 'neighbours', keys: [] },
  // The first key enters the picture.
  position: { picture: 'positions', keys: ['ArrowDown', 'ArrowDown'] },
  attention: { picture: 'attention', keys: ['PageDown', 'PageDown'], then: 'ArrowRight' },
  'feed-forward': { picture: 'neuron-effects', keys: [] },
  layers: { picture: 'blocks', keys: [], then: 'ArrowDown' },
  head: { picture: 'lens', keys: [] },
  sampling: { picture: 'survivors', keys: [], then: 'ArrowDown' },
  loop: { picture: 'operations', keys: [] },
  detokenize: { picture: 'bytes', keys: ['End', 'End'] },
};

/** Presses a key until `target` has the focus. */
async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  await expect(target).toBeVisible();
  for (let tab = 0; tab < MAX_TABS; tab++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not reach ${target}.`);
}

test('the whole lesson can be done by keyboard, and is saved', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(240_000);
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await tabTo(page, inside.id('lesson-open'));
  await page.keyboard.press('Enter');
  await expect(inside.tokens).toHaveCount(3);

  for (const [index, { id, name }] of STEPS.entries()) {
    await expect(page.getByRole('heading', { name, exact: true, level: 1 })).toBeVisible();
    await expect(inside.id('lesson')).toContainText(`step ${index + 1} of 10`);
    const { picture, keys, then } = ANSWERS[id]!;
    const cells = inside.id(picture).getByTestId('picture-cells');
    await tabTo(page, cells);
    for (const key of keys) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    const verdict = inside.id('lesson-verdict');
    await expect(verdict).toBeVisible();
    for (let tries = 0; then !== undefined && tries < MAX_TRIES; tries++) {
      if ((await verdict.getAttribute('data-verdict')) === 'right') break;
      await expect(verdict).toContainText('Not this one.');
      await page.keyboard.press(then);
      await page.keyboard.press('Enter');
    }
    await expect(verdict, id).toHaveAttribute('data-verdict', 'right');
    await expectNoViolationsIn(['light', 'contrast'], page, `lesson, ${id}`);
    if (index === STEPS.length - 1) continue;
    // The card is before the picture.
    await tabTo(page, inside.id('lesson-next'), 'Shift+Tab');
    await page.keyboard.press('Enter');
  }
  await expect(inside.id('lesson')).toContainText('You have finished the lesson.');
  const saved = async () => (await app.services.invoke('settingsGet')).lessonAnswered;
  await expect.poll(saved).toEqual(STEPS.map(({ id }) => id));
  await page.reload();
  await new ChatPage(page).ready();
  await inside.show();
  await expect(inside.id('lesson-open')).toContainText('10 of 10 answered');
});
