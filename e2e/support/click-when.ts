import type { Page } from '@playwright/test';

/**
 * Clicks a button in the frame in which texts are on the page: they may be gone before an assertion has seen them and a click
 * has arrived. As for a click of Playwright, the button must be enabled, and nothing may cover it.
 * @param texts what the last element of each test id has
 * @param button its test id
 * @param timeout ms
 */
export async function clickWhen(
  page: Page,
  texts: Readonly<Record<string, RegExp>>,
  button: string,
  timeout = 30_000,
): Promise<void> {
  const patterns = Object.entries(texts).map(([testId, { source, flags }]) => ({ testId, source, flags }));
  await page.waitForFunction(
    ({ expected, clicked }) => {
      const last = (testId: string) => [...document.querySelectorAll(`[data-testid="${testId}"]`)].at(-1);
      const hasText = ({ testId, source, flags }: (typeof expected)[number]) =>
        new RegExp(source, flags).test(last(testId)?.textContent ?? '');
      const target = last(clicked);
      if (!(target instanceof HTMLButtonElement) || target.disabled || !expected.every(hasText)) return false;
      target.scrollIntoView({ block: 'nearest' });
      const { x, y, width, height } = target.getBoundingClientRect();
      if (!target.contains(document.elementFromPoint(x + width / 2, y + height / 2))) return false;
      target.click();
      return true;
    },
    { expected: patterns, clicked: button },
    { timeout },
  );
}
