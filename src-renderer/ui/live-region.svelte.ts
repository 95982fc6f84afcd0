import { untrack } from 'svelte';

/** What the window's one live region says. */
class Announcements {
  text = $state('');
}
export const announcements = new Announcements();

/** Has a screen reader say `text` when it is next silent. The same text twice in a row is said twice. */
export function announce(text: string): void {
  // Untracked, or an effect that announces would run again because of what it has just said.
  const before = untrack(() => announcements.text);
  // A trailing no-break space makes a repeated text a change, which is what a live region reacts to.
  announcements.text = before === text ? `${text}\u00a0` : text;
}
