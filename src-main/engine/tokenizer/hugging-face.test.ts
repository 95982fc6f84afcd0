import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { huggingFaceCases, type HuggingFaceCase } from '../test-support/hugging-face-cases.ts';
import { itHoldsOnRandomStrings, type RoundTrip } from '../test-support/random-string-tests.ts';
import {
  COMPARED_HUGGING_FACE_FAMILIES,
  GGUF_FAMILIES,
  HUGGING_FACE_FAMILIES,
  loadFamily,
} from '../test-support/tokenizer-families.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A vocabulary takes a second, or many under load. */
const LOAD_MS = 120_000;

const ALL: RoundTrip = { kept: (text) => text, cuts: true };
/** They treat a literal U+2581 as a space. */
const BUT_MARKS: RoundTrip = { kept: (text) => text.replaceAll('▁', ' '), cuts: true };
/** They do not distinguish text after a special token from text with a leading space either. */
const SPACED: RoundTrip = {
  kept: (text) => (/<(s|\/s|unk)>/.test(text) ? null : text.replaceAll('▁', ' ')),
  cuts: true,
};
/** Decoding puts spaces between tokens and loses those of the text. */
const WORDS: RoundTrip = { kept: null, cuts: false };

const ROUND_TRIPS: Readonly<Record<string, RoundTrip>> = {
  llama3: ALL,
  gpt4o: ALL,
  gptoss: ALL,
  gpt35turbo: ALL,
  deepseek_v3: ALL,
  qwen3: { kept: (text) => text.normalize('NFC'), cuts: true },
  claude: { kept: (text) => text.normalize('NFKC'), cuts: true },
  gemma3: BUT_MARKS,
  gemini: BUT_MARKS,
  mistral_v1: SPACED,
  llama2: SPACED,
  // Some bytes (of control characters and of planes beyond 3) have no token and are dropped.
  smollm2_rebuilt: { kept: (text) => (/\p{Cc}|[\u{40000}-\u{10ffff}]/u.test(text) ? null : text), cuts: true },
  // A text such as <0x0A> is read as the byte.
  synth_unigram_bf: { kept: (text) => (text.includes('<') ? null : text.replaceAll('▁', ' ')), cuts: true },
  synth_unigram: { kept: null, cuts: true },
  bert_wordpiece: WORDS,
  synth_wordpiece_cased: WORDS,
};

test('every stored tokenizer is tested', () => {
  const names = readdirSync(new URL('../fixtures/tokenizers', import.meta.url));
  const stored = (prefix: string) =>
    names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length, -'.json.gz'.length)] : [])).sort();
  expect(HUGGING_FACE_FAMILIES.map(({ golden }) => golden).sort()).toEqual(stored('hf-'));
  expect(GGUF_FAMILIES.map(({ golden }) => golden).sort()).toEqual(stored('gguf-'));
});

for (const family of COMPARED_HUGGING_FACE_FAMILIES) {
  const { name, golden, isThere } = family;
  describe.skipIf(!isThere)(`the tokens of Hugging Face: ${name} (needs the fetched tokenizers)`, () => {
    const cases = huggingFaceCases(golden);
    let tokenizer: Tokenizer;

    beforeAll(async () => {
      tokenizer = await loadFamily(family);
    }, LOAD_MS);
    afterAll(() => {
      // One vocabulary at a time: together they take gigabytes.
      tokenizer = undefined as unknown as Tokenizer;
    });

    /** Compares our result for every string with that of Hugging Face's library. */
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

    it('decodes them, with or without special tokens', () => {
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

    itHoldsOnRandomStrings(() => tokenizer, ROUND_TRIPS[golden]);
  });
}
