import { announce } from './live-region.svelte.ts';

/** Copies a text and announces the result. @param what for the announcement: `Answer` */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  } catch {
    announce('Could not copy. Select the text and copy it yourself.');
  }
}
