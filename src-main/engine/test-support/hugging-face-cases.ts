import { createHash } from 'node:crypto';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { hardStrings, unpackedFixture } from './hard-strings.ts';

/** What Hugging Face's tokenizers make of one string; a field that equals the one named is left out. */
interface StoredCase {
  readonly name: string;
  readonly ids: number[];
  readonly dec: string;
  readonly dec_skip: string;
  /** = ids, and dec, dec_skip with it */
  readonly ids_sp?: number[];
  readonly dec_sp?: string;
  readonly dec_sp_skip?: string;
  /** = ids */
  readonly ids_raw?: number[];
}

export interface HuggingFaceCase {
  readonly name: string;
  readonly text: string;
  /** Special tokens in the text are read as such. */
  readonly ids: number[];
  readonly decoded: string;
  readonly decodedWithoutSpecial: string;
  /** Likewise, as a whole text: with what the post-processor puts around it. */
  readonly idsOfText: number[];
  readonly decodedOfText: string;
  readonly decodedOfTextWithoutSpecial: string;
  /** Special tokens in the text are ordinary text. */
  readonly idsOfPlain: number[];
}

/** The tokens of the hard strings from `hf-<family>.json.gz`, made with `tokenizers` 0.23.3. */
export function huggingFaceCases(family: string): readonly HuggingFaceCase[] {
  const { cases } = JSON.parse(unpackedFixture(`hf-${family}.json`).toString('utf8')) as { cases: StoredCase[] };
  const strings = hardStrings();
  return cases.map((stored, i) => {
    if (stored.name !== strings[i].name) throw new Error(`${family}: case ${i} is not that of ${strings[i].name}.`);
    return {
      name: stored.name,
      text: strings[i].text,
      ids: stored.ids,
      decoded: stored.dec,
      decodedWithoutSpecial: stored.dec_skip,
      idsOfText: stored.ids_sp ?? stored.ids,
      decodedOfText: stored.dec_sp ?? stored.dec,
      decodedOfTextWithoutSpecial: stored.dec_sp_skip ?? stored.dec_skip,
      idsOfPlain: stored.ids_raw ?? stored.ids,
    };
  });
}

/** @throws Error when it is not the file that the stored tokens were made with */
export function tokenizerOfStoredFile(family: string, json: string): Tokenizer {
  const header = JSON.parse(unpackedFixture(`hf-${family}.json`).toString('utf8')) as { sha256: string };
  const found = createHash('sha256').update(json).digest('hex');
  if (found !== header.sha256) throw new Error(`${family}: tokenizer.json has the SHA-256 ${found}.`);
  return tokenizerFromJson(JSON.parse(json), `${family}.tokenizer.json`);
}
