import { announce } from './live-region.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/**
 * Copies a text and says so.
 *
 * @param what of the message: `Answer`
 * @param ticks the control that was pressed shows a tick, so no toast is needed
 * @returns whether it was copied
 */
export async function copyText(text: string, what: string, { ticks = false } = {}): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    if (ticks) announce(`${what} copied`);
    else toasts.show({ text: `${what} copied` });
    return true;
  } catch {
    toasts.notice('Could not copy. Select the text and copy it yourself.');
    return false;
  }
}
