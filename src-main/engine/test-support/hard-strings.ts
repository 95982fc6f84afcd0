import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tokenizers/${name}`, import.meta.url));

/** The content of `fixtures/tokenizers/<name>.gz`. */
export const unpackedFixture = (name: string): Buffer => gunzipSync(fixture(`${name}.gz`));

/** 140 difficult strings; the stored tokens of every family are for these, in this order. */
export function hardStrings(): readonly { name: string; text: string }[] {
  return JSON.parse(fixture('strings.json').toString('utf8')) as { name: string; text: string }[];
}
