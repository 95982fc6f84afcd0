import { expect, type Locator, type Page } from '@playwright/test';
import type { StepId } from '../../src-renderer/features/inside/steps.ts';

/** Actions and pictures of the view Inside. */
export class InsidePage {
  constructor(readonly page: Page) {}

  readonly id = (testId: string): Locator => this.page.getByTestId(testId);

  get tokens(): Locator {
    return this.id('inside-tokens').getByRole('radio');
  }

  /** Parts that are being computed again, and are faded meanwhile. */
  get busy(): Locator {
    return this.page.locator('[aria-busy=true]');
  }

  /** Opens the view; resolves when the tokens of its text are there. */
  async show(): Promise<void> {
    await this.page.keyboard.press('Control+5');
    await expect(this.tokens.first()).toBeVisible();
  }

  async step(step: StepId): Promise<void> {
    await this.id(`step-${step}`).click();
    await expect(this.id(`step-${step}`)).toHaveAttribute('aria-current', 'step');
  }

  /** Chooses a layer or a head. @param index from 0 */
  async pick(picker: string, index: number): Promise<void> {
    await this.id(picker)
      .getByRole('radio', { name: String(index + 1), exact: true })
      .click();
  }

  /** The part of the page about one of two runs. */
  run(number: 1 | 2): Locator {
    return this.id(`run-${number}`);
  }

  /** The numbers of a picture's table, without its first two columns. @param within the page, or the part about one run */
  async numbersOf(picture: string, within: Page | Locator = this.page): Promise<number[][]> {
    const table = within.getByTestId(picture).getByTestId('picture-table');
    if ((await table.getAttribute('open')) === null) await table.locator('summary').click();
    return table
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll('td')].slice(2).map(({ textContent }) => textContent)),
      )
      .then((rows) => rows.map((row) => row.map(numberIn)));
  }
}

/** A number on the page, which has a minus sign in place of a hyphen. */
export function numberIn(text: string | null): number {
  return Number(text?.replaceAll('−', '-') ?? NaN);
}

/** @returns Infinity if the shapes differ: the page may not have drawn the numbers yet */
export function largestError(found: readonly number[][], expected: readonly number[][]): number {
  const isSameShape = found.length === expected.length && found.every((row, i) => row.length === expected[i]?.length);
  if (!isSameShape) return Infinity;
  return Math.max(...found.flatMap((row, i) => row.map((value, j) => Math.abs(value - (expected[i]?.[j] ?? NaN)))));
}
