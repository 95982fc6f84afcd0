/** Single values in the calls and files of the app: their schemas, and which addresses downloads may go to. */
import * as v from 'valibot';
import { schemaOf } from '../fields.ts';
import type { MeasuredRate } from './app-services.ts';

export const finite = v.pipe(v.number(), v.finite());
export const isoDate = v.pipe(v.string(), v.isoTimestamp());
/** Something per second; null where it was not measured. */
export const rate = v.nullable(v.pipe(finite, v.minValue(0)));

/** Ids are file names, so they are letters, digits, `_` and `-` only. */
export const FILE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const fileId = (what: string) =>
  v.pipe(v.string(), v.regex(FILE_ID, `Expected a ${what} id: up to 64 letters, digits, _ and -`));

export const chatId = fileId('chat');
/** Of a stored run of Compare, or of a saved set of lanes. */
export const comparisonId = fileId('run');
/** Of a saved preset or system prompt. */
export const savedItemId = fileId('preset');

export const shortText = v.pipe(v.string(), v.maxLength(1000));

export const tokenCount = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export const measuredRate = schemaOf<MeasuredRate>()(
  v.object({
    executor: v.picklist(['reference', 'wasm', 'webgpu']),
    threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    prefillTokensPerSecond: rate,
    decodeTokensPerSecond: rate,
    at: isoDate,
  }),
);

/** Whether it is this computer itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Https, or http to this computer only; no user name, password or fragment. */
export function isDownloadAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** `http://[user:password@]host[:port]`, without a path. */
export function isProxy(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash } = new URL(text);
  return protocol === 'http:' && pathname === '/' && search === '' && hash === '';
}
