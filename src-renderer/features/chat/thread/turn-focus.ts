import { tick } from 'svelte';
import type { PagerArrow } from '../../../ui/types.ts';

/**
 * Moves the focus into a turn whose control had it and is gone, or which another version has replaced.
 *
 * @param slotOf the element around the turn, as soon as the page has changed; null if it is not in the DOM
 * @param arrow the arrow of its pager that was pressed
 */
export async function focusTurn(slotOf: () => HTMLElement | null, arrow?: PagerArrow): Promise<void> {
  await tick();
  const slot = slotOf();
  const find = (selector: string) => slot?.querySelector<HTMLElement>(selector) ?? null;
  // The first and the last version have one arrow only.
  const pressed = arrow === undefined ? null : find(`[data-arrow="${arrow}"]:not(:disabled)`);
  const target = pressed ?? find('[data-testid="reply-text"][tabindex]') ?? find('article');
  target?.focus({ preventScroll: true });
}
