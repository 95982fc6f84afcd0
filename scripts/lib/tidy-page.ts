/** What a page must not show in a screenshot: toasts of earlier steps, and the addresses and folders of this run. */
import type { Page } from 'playwright';

/** A text of this run, and what a picture has in its place. */
export type ShownAs = readonly (readonly [text: string, shown: string])[];

export async function tidyPage(page: Page, shownAs: ShownAs): Promise<void> {
  await page.evaluate((pairs) => {
    const buttons = document.querySelectorAll<HTMLElement>('[data-testid="toast"] button[aria-label="Dismiss"]');
    for (const button of buttons) button.click();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      for (const [text, shown] of pairs) {
        if (node.nodeValue?.includes(text)) node.nodeValue = node.nodeValue.replaceAll(text, shown);
      }
    }
  }, shownAs);
}
