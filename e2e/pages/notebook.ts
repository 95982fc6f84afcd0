import { expect, type Locator, type Page } from '@playwright/test';

/** Guards against hanging: a busy machine takes many seconds to load a model or to generate, ms. */
const TIMEOUT_MS = 30_000;

/** Actions in a notebook. */
export class NotebookPage {
  constructor(readonly page: Page) {}

  readonly id = (testId: string): Locator => this.page.getByTestId(testId);

  get text(): Locator {
    return this.id('notebook-text');
  }
  get marked(): Locator {
    return this.text.locator('.generated');
  }
  get tokens(): Locator {
    return this.text.getByTestId('token');
  }

  /** Resolves when the engine has its model and a notebook is open. */
  async ready(): Promise<void> {
    await expect(this.id('engine-state')).toHaveAttribute('data-state', 'ready', { timeout: TIMEOUT_MS });
    await expect(this.text).toBeVisible();
  }

  /** Chooses from the notebook's menu. */
  async menu(item: string): Promise<void> {
    await this.id('notebook-menu').click();
    await this.id(item).click();
  }

  /** Opens a new notebook, whose text has the focus. */
  async open(): Promise<void> {
    await this.id('new-notebook').click();
    await expect(this.text).toBeFocused();
  }

  /** The text, as long as all of it is on screen. */
  async content(): Promise<string> {
    return await this.text.evaluate((content) =>
      [...content.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n'),
    );
  }

  /** Waits until nothing is generated. @returns why it ended */
  async finished(): Promise<string | null> {
    await expect(this.id('notebook-generate')).toBeVisible({ timeout: TIMEOUT_MS });
    await expect(this.id('notebook-status')).toHaveAttribute('data-reason', /./);
    return await this.id('notebook-status').getAttribute('data-reason');
  }
}
