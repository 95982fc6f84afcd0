/** What the window's one live region says. */
class Announcements {
  text = $state('');
}
export const announcements = new Announcements();

/** Has a screen reader say `text` when it is next silent. The same text twice in a row is said twice. */
export function announce(text: string): void {
  // A trailing no-break space makes a repeated text a change, which is what a live region reacts to.
  announcements.text = announcements.text === text ? `${text}\u00a0` : text;
}
