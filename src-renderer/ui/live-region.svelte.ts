import { untrack } from 'svelte';

/** Text of the window's only live region. */
class Announcements {
  text = $state('');
}
export const announcements = new Announcements();

/** Makes screen readers announce `text` when idle. Repeated texts are announced again. */
export function announce(text: string): void {
  // Untracked, or an effect that announces would run again because of its own announcement.
  const before = untrack(() => announcements.text);
  // A trailing no-break space makes a repeated text a change, which is what a live region reacts to.
  announcements.text = before === text ? `${text}\u00a0` : text;
}
