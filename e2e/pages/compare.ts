import { expect, type Locator, type Page } from '@playwright/test';

/** Actions and views of the Compare page. */
export class ComparePage {
  /** @param polling how often `finished` looks: see `ChatPage` */
  constructor(
    readonly page: Page,
    private readonly polling: number | 'raf' = 'raf',
  ) {}

  readonly id = (testId: string): Locator => this.page.getByTestId(testId);

  get lanes(): Locator {
    return this.id('lane');
  }
  /** By position, from 0. */
  lane(index: number): Locator {
    return this.lanes.nth(index);
  }
  text(index: number): Locator {
    return this.lane(index).getByTestId('lane-text');
  }
  reason(index: number): Promise<string | null> {
    return this.lane(index).getByTestId('lane-stop').getAttribute('data-reason');
  }

  /** Opens the view; resolves when its lanes are there and the engine is ready. */
  async show(): Promise<void> {
    await this.page.waitForFunction(
      () => document.querySelector('[data-testid="engine-state"][data-state="ready"]') !== null,
    );
    await this.id('nav-compare').click();
    await expect(this.lanes.first()).toBeVisible();
  }

  async run(prompt: string): Promise<void> {
    await this.id('compare-prompt').fill(prompt);
    await this.id('compare-run').click();
  }

  /** Resolves when no lane runs any more. @param timeout ms */
  async finished(timeout = 30_000): Promise<void> {
    // Often, where an assertion would check again after half a second or more.
    await this.page.waitForFunction(
      () => document.querySelector('[data-testid="compare-stop"], [data-testid="lane"][data-running="true"]') === null,
      undefined,
      { timeout, polling: this.polling },
    );
  }

  /** Runs a prompt to the end of all lanes. */
  async compare(prompt: string, timeout?: number): Promise<void> {
    await this.run(prompt);
    await expect(this.id('compare-stop').or(this.id('lane-stop')).first()).toBeVisible();
    await this.finished(timeout);
  }

  async menu(index: number, item: string): Promise<void> {
    await this.lane(index).getByTestId('lane-menu').click();
    await this.id(item).click();
  }

  /** Opens the view with two lanes of the same settings, but that the second one has another executor. */
  async showTwoExecutors(executor: string): Promise<void> {
    await this.show();
    await this.id('lane-sets').click();
    await this.id('lane-set-seeds').click();
    for (let count = 4; count > 2; count--) {
      await expect(this.lanes).toHaveCount(count);
      await this.menu(count - 1, 'lane-remove');
    }
    await this.set('compare-seed', 7);
    await this.set('compare-limit', 12);
    await this.chooseExecutor(1, executor);
    await expect(this.lanes).toHaveCount(2);
    await expect(this.lane(1)).toHaveAccessibleName(`Lane B, ${executor} executor`);
  }

  /** Fills a field and presses Enter. */
  async set(testId: string, value: number): Promise<void> {
    await this.id(testId).fill(String(value));
    await this.id(testId).press('Enter');
  }

  /** Sets what a lane runs on. */
  async chooseExecutor(index: number, executor: string): Promise<void> {
    await this.lane(index).getByTestId('lane-settings').click();
    await this.id('lane-tab-lane').click();
    await this.id('lane-executor').selectOption(executor);
    await this.page.keyboard.press('Escape');
  }

  /** Index of the token before which a lane has its badge; null without one. */
  async divergence(index: number): Promise<number | null> {
    const badge = this.lane(index).getByTestId('divergence');
    if ((await badge.count()) === 0) return null;
    return Number(await badge.getAttribute('data-token'));
  }
}
