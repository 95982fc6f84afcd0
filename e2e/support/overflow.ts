import { expect, type Page } from '@playwright/test';

/** Expects that nothing is cut off at the right of the window, and nothing there makes the page wider. */
export async function expectNothingCutOff(page: Page, what: string): Promise<void> {
  // The shell follows the window a moment later.
  await expect.poll(() => page.evaluate(cutOff), { message: what }).toEqual([]);
}

/** Elements beyond the right edge, but those in an element that scrolls. Runs in the page. */
function cutOff(): string[] {
  const scrolls = (element: Element | null): boolean =>
    element !== null && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const isBeyond = (element: Element) => element.getBoundingClientRect().right > innerWidth + 0.5;
  const found = [...document.body.querySelectorAll('*')].filter(
    (element) => isBeyond(element) && !scrolls(element.parentElement),
  );
  const { scrollWidth } = document.documentElement;
  return [
    ...found.map(({ tagName, className }) => `${tagName} ${String(className)}`),
    ...(scrollWidth > innerWidth ? [`the page: ${scrollWidth} of ${innerWidth} px`] : []),
  ];
}
