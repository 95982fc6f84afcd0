import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { huggingFaceCases, type HuggingFaceCase } from '../test-support/hugging-face-cases.ts';
import { HUGGING_FACE_FAMILIES } from '../test-support/tokenizer-families.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A vocabulary takes a second; several programs at once, many. */
const LOAD_MS = 120_000;

for (const { name, golden, isThere, load } of HUGGING_FACE_FAMILIES) {
  describe.skipIf(!isThere)(`the tokens of Hugging Face: ${name} (needs the fetched tokenizers)`, () => {
    const cases = huggingFaceCases(golden);
    let tokenizer: Tokenizer;

    beforeAll(async () => {
      tokenizer = await load();
    }, LOAD_MS);
    afterAll(() => {
      // One vocabulary at a time: together they take gigabytes.
      tokenizer = undefined as unknown as Tokenizer;
    });

    /** Compares what is made of every string with what Hugging Face's library makes of it. */
    const equal = <T>(made: (golden: HuggingFaceCase) => T, wanted: (golden: HuggingFaceCase) => T) => {
      expect(cases).toHaveLength(140);
      expect(cases.map((golden) => [golden.name, made(golden)])).toEqual(
        cases.map((golden) => [golden.name, wanted(golden)]),
      );
    };

    it('encodes them, special tokens parsed', () => {
      equal(
        ({ text }) => tokenizer.encode(text, { addSpecial: false, parseSpecial: true }),
        ({ ids }) => ids,
      );
    });

    it('encodes them as whole texts', () => {
      equal(
        ({ text }) => tokenizer.encode(text, { parseSpecial: true }),
        ({ idsOfText }) => idsOfText,
      );
    });

    it('encodes them, special tokens as text', () => {
      equal(
        ({ text }) => tokenizer.encode(text, { addSpecial: false }),
        ({ idsOfPlain }) => idsOfPlain,
      );
    });

    it('decodes them, special tokens shown or left out', () => {
      equal(
        ({ ids, idsOfText }) => [
          tokenizer.decode(ids, false),
          tokenizer.decode(ids),
          tokenizer.decode(idsOfText, false),
          tokenizer.decode(idsOfText),
        ],
        ({ decoded, decodedWithoutSpecial, decodedOfText, decodedOfTextWithoutSpecial }) => [
          decoded,
          decodedWithoutSpecial,
          decodedOfText,
          decodedOfTextWithoutSpecial,
        ],
      );
    });
  });
}
