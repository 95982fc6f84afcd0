import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tokenizers/${name}`, import.meta.url));

/** What `fixtures/tokenizers/<name>.gz` holds. */
export const unpackedFixture = (name: string): Buffer => gunzipSync(fixture(`${name}.gz`));

/** 140 strings that tokenizers stumble over; the stored tokens of every family are theirs, in this order. */
export function hardStrings(): readonly { name: string; text: string }[] {
  return JSON.parse(fixture('strings.json').toString('utf8')) as { name: string; text: string }[];
}
