import { announce } from './live-region.svelte.ts';

/** Puts a text on the clipboard and says so, or says that it cannot. @param what it is: `Answer` */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  } catch {
    announce('Could not copy. Select the text and copy it yourself.');
  }
}
