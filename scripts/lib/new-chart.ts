import type { Page } from 'playwright';

const CHART = '[data-testid="next-token"] svg[aria-label*="can be picked"]';

/** Makes a change, and waits until the chart of the next token shows its effect. */
export async function withNewChart(page: Page, change: () => Promise<unknown>): Promise<void> {
  const before = await page.locator(CHART).getAttribute('aria-label');
  await change();
  await page.waitForFunction(
    ([chart, old]) => {
      const label = document.querySelector(chart)?.getAttribute('aria-label');
      return typeof label === 'string' && label !== old;
    },
    [CHART, before ?? ''] as const,
  );
}
