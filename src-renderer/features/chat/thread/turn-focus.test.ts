import { expect, it } from 'vitest';
import { focusTurn } from './turn-focus.ts';

const ARROW = '[data-arrow="next"]:not(:disabled)';
const TOKENS = '[data-testid="reply-text"][tabindex]';

/** What takes the focus in a turn that has certain elements. */
async function focusedOf(elements: readonly string[], arrow?: 'next'): Promise<string[]> {
  const focused: string[] = [];
  const querySelector = (selector: string) =>
    elements.includes(selector) ? { focus: () => focused.push(selector) } : null;
  await focusTurn(() => ({ querySelector }) as unknown as HTMLElement, arrow);
  return focused;
}

it('is the arrow that was pressed, if there are more versions, else the turn', async () => {
  expect(await focusedOf([ARROW, 'article'], 'next')).toEqual([ARROW]);
  expect(await focusedOf(['article'], 'next')).toEqual(['article']);
  expect(await focusedOf([ARROW, 'article'])).toEqual(['article']);
});

it('is the text of a reply whose tokens the keys walk', async () => {
  expect(await focusedOf([ARROW, TOKENS, 'article'])).toEqual([TOKENS]);
});

it('stays where it is if the turn is not in the page', async () => {
  await expect(focusTurn(() => null)).resolves.toBeUndefined();
});
