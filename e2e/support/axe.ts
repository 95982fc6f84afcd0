import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Fails with a readable list when axe finds a violation of WCAG 2.2 A or AA in what the page shows now. */
export async function expectNoViolations(page: Page, view: string): Promise<void> {
  // Legacy mode: the other one opens a blank page, which Electron cannot.
  const { violations } = await new AxeBuilder({ page }).withTags(STANDARDS).setLegacyMode(true).analyze();
  const found = violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.id}: ${violation.help} at ${node.target.join(' ')}`),
  );
  expect(found, `accessibility of ${view}`).toEqual([]);
}
