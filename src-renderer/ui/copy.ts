import { announce } from './live-region.svelte.ts';

/** Copies a text and announces the result. @param what for the announcement: `Answer` @returns whether it was copied */
export async function copyText(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
    return true;
  } catch {
    announce('Could not copy. Select the text and copy it yourself.');
    return false;
  }
}
