import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llamaCppFamily, type LlamaCppCase } from '../../test-support/llama-cpp-cases.ts';
import { itHoldsOnRandomStrings, type RoundTrip } from '../../test-support/random-string-tests.ts';
import { COMPARED_GGUF_FAMILIES, loadFamily } from '../../test-support/tokenizer-families.ts';
import type { GgufTokenizerFacts } from './from-gguf.ts';

/**
 * Families for which llama_detokenize also cleans up, which loses spaces that were in the text. Neither its pieces nor
 * Hugging Face's decoders do that, and neither does this engine.
 */
const CLEANED_UP: ReadonlySet<string> = new Set(['conv-bert_wordpiece', 'conv-gpt35turbo', 'conv-llama3']);

/** A vocabulary takes a second; several programs at once, many. */
const LOAD_MS = 120_000;

function cleanedUp(text: string): string {
  return text
    .replaceAll(/ ([?!.,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replaceAll(/ '(s|m|re|ve)/g, "'$1");
}

const ALL: RoundTrip = { kept: (text) => text, cuts: true };
/** A literal U+2581 is a space to them. */
const BUT_MARKS: RoundTrip = { kept: (text) => text.replaceAll('▁', ' '), cuts: true };
/** Nor do they keep apart what stands behind a special token from what has a space before it. */
const SPACED: RoundTrip = {
  kept: (text) => (/<(s|\/s|unk)>/.test(text) ? null : text.replaceAll('▁', ' ')),
  cuts: true,
};
/** What no piece spells is an unknown token. */
const LOSSY: RoundTrip = { kept: null, cuts: true };

const ROUND_TRIPS: Readonly<Record<string, RoundTrip>> = {
  'conv-llama3': ALL,
  'conv-gpt4o': ALL,
  'conv-gptoss': ALL,
  'conv-gpt35turbo': ALL,
  'conv-deepseek_v3': ALL,
  'conv-qwen3': ALL,
  'conv-gemini': BUT_MARKS,
  'conv-mistral_v1': SPACED,
  'conv-llama2': SPACED,
  gemma3: BUT_MARKS,
  // Some bytes, of control characters and of the planes beyond 3, have no token, and vanish.
  smollm2: { kept: (text) => (/\p{Cc}|[\u{40000}-\u{10ffff}]/u.test(text) ? null : text), cuts: true },
  'conv-bert_wordpiece': LOSSY,
  'conv-synth_unigram_bf': LOSSY,
};

/** What ends a reply: the tokens that the file names, and those that llama.cpp knows by their text (`special_eog_ids`). */
const END_PIECES: Readonly<Record<string, readonly string[]>> = {
  'conv-llama3': ['<|end_of_text|>', '<|eot_id|>'],
  'conv-qwen3': ['</s>', '<|endoftext|>', '<|im_end|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
  'conv-gpt4o': ['<|endoftext|>'],
  // Not <|end|>: a reply goes on after it.
  'conv-gptoss': ['<|endoftext|>', '<|return|>', '<|call|>'],
  'conv-gpt35turbo': ['<|endoftext|>'],
  'conv-deepseek_v3': ['<｜end▁of▁sentence｜>'],
  // Its </s> closes what is struck through in HTML, and ends replies nevertheless.
  'conv-gemini': ['<eos>', '<end_of_turn>', '</s>'],
  gemma3: ['<eos>', '<end_of_turn>', '</s>'],
  'conv-mistral_v1': ['</s>'],
  'conv-llama2': ['</s>'],
  'conv-bert_wordpiece': ['[PAD]', '[SEP]'],
  smollm2: ['<|endoftext|>', '<|im_end|>', '<reponame>'],
  'conv-synth_unigram_bf': ['</s>'],
};

for (const family of COMPARED_GGUF_FAMILIES) {
  const { name, golden, isThere } = family;
  describe.skipIf(!isThere)(`the tokens of llama.cpp: ${name} (needs the fetched tokenizers)`, () => {
    const { cases, vocabularySize, metadata } = llamaCppFamily(golden);
    let facts: GgufTokenizerFacts;

    beforeAll(async () => {
      facts = await loadFamily(family);
    }, LOAD_MS);
    afterAll(() => {
      // One vocabulary at a time: together they take gigabytes.
      facts = undefined as unknown as GgufTokenizerFacts;
    });

    const decode = (ids: readonly number[], skipSpecial: boolean, continues = false) => {
      const stream = facts.tokenizer.stream({ skipSpecial, continues });
      return ids.map((id) => stream.push(id)).join('') + stream.flush();
    };
    const detokenized = (text: string) => (CLEANED_UP.has(golden) ? cleanedUp(text) : text);
    /** Compares what is made of every string with what llama.cpp makes of it. */
    const equal = <T>(made: (golden: LlamaCppCase) => T, wanted: (golden: LlamaCppCase) => T) => {
      expect(cases.map((golden) => [golden.name, made(golden)])).toEqual(
        cases.map((golden) => [golden.name, wanted(golden)]),
      );
    };

    it('has 140 strings and every token', () => {
      expect(cases).toHaveLength(140);
      expect(facts.tokenizer.vocabularySize).toBe(vocabularySize);
    });

    it('knows the tokens that end a reply', () => {
      expect(facts.endIds.map((id) => facts.tokenizer.piece(id))).toEqual(END_PIECES[golden]);
    });

    it('encodes them, special tokens as text', () => {
      equal(
        ({ text }) => facts.tokenizer.encode(text, { addSpecial: false }),
        ({ ids }) => ids,
      );
    });

    it('encodes them, special tokens parsed', () => {
      equal(
        ({ text }) => facts.tokenizer.encode(text, { addSpecial: false, parseSpecial: true }),
        ({ idsWithSpecial }) => idsWithSpecial,
      );
    });

    it('encodes them as whole texts', () => {
      equal(
        ({ text }) => facts.tokenizer.encode(text, { parseSpecial: true }),
        ({ idsOfText }) => idsOfText,
      );
    });

    it('joins the pieces, special ones shown or left out', () => {
      equal(
        ({ idsWithSpecial }) => [decode(idsWithSpecial, false, true), decode(idsWithSpecial, true, true)],
        ({ pieces, piecesWithoutSpecial }) => [pieces, piecesWithoutSpecial],
      );
    });

    it('decodes texts from their beginning', () => {
      equal(
        ({ ids, idsWithSpecial, idsOfText, decodedOfText }) => [
          detokenized(facts.tokenizer.decode(ids, false)),
          detokenized(facts.tokenizer.decode(idsWithSpecial, false)),
          detokenized(facts.tokenizer.decode(idsWithSpecial)),
          decodedOfText === null ? null : detokenized(facts.tokenizer.decode(idsOfText, false)),
        ],
        ({ decoded, decodedWithSpecial, decodedWithoutSpecial, decodedOfText }) => [
          decoded,
          decodedWithSpecial,
          decodedWithoutSpecial,
          decodedOfText,
        ],
      );
    });

    it('decodes what stands between the tokens that were put around a text', () => {
      // llama.cpp takes them off only where the file's keys say so, which WordPiece does not ask.
      const begins = facts.tokenizer.bosTokenId === null ? 0 : 1;
      const ends = metadata['tokenizer.ggml.model'] === 't5' ? 1 : 0;
      const inside = cases.filter(({ decodedInside }) => decodedInside !== null);
      const parts = inside.map(({ idsOfText }) => idsOfText.slice(begins, idsOfText.length - ends));
      expect(parts.map((ids) => detokenized(decode(ids, false, begins > 0)))).toEqual(
        inside.map(({ decodedInside }) => decodedInside),
      );
    });

    it('gives the pieces the same ids, their ranges in order and within the text', () => {
      for (const { text, idsWithSpecial } of cases) {
        const pieces = facts.tokenizer.encodePieces(text, { addSpecial: false, parseSpecial: true });
        expect(pieces.map(({ id }) => id)).toEqual(idsWithSpecial);
        let last = 0;
        for (const { range } of pieces) {
          expect(range![0]).toBeGreaterThanOrEqual(0);
          expect(range![0]).toBeLessThanOrEqual(range![1]);
          expect(range![1]).toBeGreaterThanOrEqual(last);
          expect(range![1]).toBeLessThanOrEqual(text.length);
          last = range![1];
        }
      }
    });

    itHoldsOnRandomStrings(() => facts.tokenizer, ROUND_TRIPS[golden]);
  });
}
