/** What the system asks the app to open: model files, and links that put a question in the composer. */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cutText } from '../protocol/cut-text.ts';

/** Scheme of links to the app. */
const LINK_SCHEME = 'tokenscope';
/** `tokenscope://ask?text=…`, the only link that there is. */
const ASK_HOST = 'ask';
/** Longest question in a link, UTF-16 units. A page of text; composers take more, links should not. */
export const MAX_QUESTION = 4000;

export type OpenRequest = { type: 'model'; path: string } | { type: 'question'; text: string };

/**
 * The requests in the arguments of a start. Switches are the system's and Chromium's, so they are ignored.
 *
 * @param args without the program's name, and without the app's folder in development
 * @param folder what relative paths start from
 */
export function requestsIn(args: readonly string[], folder: string): OpenRequest[] {
  return args.filter((arg) => arg !== '' && !arg.startsWith('-')).flatMap((arg) => requestIn(arg, folder) ?? []);
}

/** @returns null if a link is not one of the app's, or has no question */
export function requestIn(arg: string, folder: string): OpenRequest | null {
  // `C:\model.gguf` can be parsed as a URL too.
  if (isAbsolute(arg) || !/^[a-z][a-z0-9+.-]+:/i.test(arg)) return { type: 'model', path: resolve(folder, arg) };
  if (!URL.canParse(arg)) return null;
  const url = new URL(arg);
  if (url.protocol === 'file:') return fileIn(url);
  if (url.protocol !== `${LINK_SCHEME}:` || url.host !== ASK_HOST) return null;
  const text = cleaned(url.searchParams.get('text') ?? '');
  return text === '' ? null : { type: 'question', text };
}

/** Such that `requestIn` reads it again. */
export function argumentOf(request: OpenRequest): string {
  if (request.type === 'model') return request.path;
  return `${LINK_SCHEME}://${ASK_HOST}?text=${encodeURIComponent(request.text)}`;
}

/** A file of another computer (`file://host/…`) has no path here. */
function fileIn(url: URL): OpenRequest | null {
  try {
    return { type: 'model', path: fileURLToPath(url) };
  } catch {
    return null;
  }
}

/** The text comes from anybody: no control characters but line breaks, not endless, and no half character. */
function cleaned(text: string): string {
  return cutText(text.replace(/[^\P{Cc}\n\t]/gu, '').trim(), MAX_QUESTION);
}
