import { hardStrings, unpackedFixture } from './hard-strings.ts';

/** The results of Hugging Face's tokenizers for one string; a field equal to the named one is omitted. */
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
  /** Special tokens in the text are parsed. */
  readonly ids: number[];
  readonly decoded: string;
  readonly decodedWithoutSpecial: string;
  /** The same with the tokens that the post-processor adds. */
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

/** The SHA-256 of the tokenizer.json for the stored tokens. */
export function sha256OfStoredFile(family: string): string {
  return (JSON.parse(unpackedFixture(`hf-${family}.json`).toString('utf8')) as { sha256: string }).sha256;
}
