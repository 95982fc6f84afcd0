/** Keys that browsers keep for themselves, and those that do the same there: pages of all browsers may have them. */
const BROWSER_KEYS: Readonly<Record<string, string>> = { 'Ctrl N': 'Ctrl Shift O' };

/** Keys of the table of commands, as they are in a host. @param browser the page is in a browser, not in the app */
export function hostKeys(keys: string, browser: boolean): string {
  return browser ? (BROWSER_KEYS[keys] ?? keys) : keys;
}
