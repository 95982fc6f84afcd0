import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

export const THEMES = ['light', 'dark', 'contrast'] as const;
export type AxeTheme = (typeof THEMES)[number];

/** Fails with a readable list when axe finds a violation of WCAG 2.2 A or AA in the current page. */
export async function expectNoViolations(page: Page, view: string): Promise<void> {
  await animationsEnd(page);
  await expectNothingFrom(axe(page).withTags(STANDARDS), view);
}

/** The same in other themes, without going through the settings. Only in the full run: each takes a second. */
export async function expectNoViolationsIn(themes: readonly AxeTheme[], page: Page, view: string): Promise<void> {
  if (!isFull) return;
  const present = await page.evaluate(() => document.documentElement.dataset.theme);
  for (const theme of themes) {
    await showTheme(page, theme);
    await expectNoViolations(page, `${view}, ${theme}`);
  }
  await showTheme(page, present);
}

/** Legacy mode: the other one opens a blank page, which Electron cannot. Without details of what passed, which take time. */
function axe(page: Page): AxeBuilder {
  return new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).setLegacyMode(true);
}

/** What still fades in has less contrast than it will have. Some never end, such as that of the caret. */
async function animationsEnd(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter(({ playState, effect }) => playState === 'running' && effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
}

async function showTheme(page: Page, theme: string | undefined): Promise<void> {
  await page.evaluate(async (name) => {
    document.documentElement.dataset.theme = name;
    const fading = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
    await Promise.allSettled(fading.map((animation) => animation.finished));
  }, theme);
}

async function expectNothingFrom(builder: AxeBuilder, view: string): Promise<void> {
  const { violations } = await builder.analyze();
  const found = violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.id}: ${violation.help} at ${node.target.join(' ')}`),
  );
  expect(found, `accessibility of ${view}`).toEqual([]);
}
