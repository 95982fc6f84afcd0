import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llamaCppFamily, type LlamaCppCase } from '../../test-support/llama-cpp-cases.ts';
import { itHoldsOnRandomStrings, type RoundTrip } from '../../test-support/random-string-tests.ts';
import { COMPARED_GGUF_FAMILIES, loadFamily } from '../../test-support/tokenizer-families.ts';
import type { GgufTokenizerFacts } from './from-gguf.ts';

/**
 * Families for which llama_detokenize also cleans up, which loses spaces of the text. Its pieces, Hugging Face's decoders
 * and this engine do not.
 */
const CLEANED_UP: ReadonlySet<string> = new Set(['conv-bert_wordpiece', 'conv-gpt35turbo', 'conv-llama3']);

/** A vocabulary takes a second, or many under load. */
const LOAD_MS = 120_000;

function cleanedUp(text: string): string {
  return text
    .replaceAll(/ ([?!.,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replaceAll(/ '(s|m|re|ve)/g, "'$1");
}

const ALL: RoundTrip = { kept: (text) => text, cuts: true };
/** They treat a literal U+2581 as a space. */
const BUT_MARKS: RoundTrip = { kept: (text) => text.replaceAll('▁', ' '), cuts: true };
/** They do not distinguish text after a special token from text with a leading space either. */
const SPACED: RoundTrip = {
  kept: (text) => (/<(s|\/s|unk)>/.test(text) ? null : text.replaceAll('▁', ' ')),
  cuts: true,
};
/** Text without a piece becomes an unknown token. */
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
  // Some bytes (of control characters and of planes beyond 3) have no token and are dropped.
  smollm2: { kept: (text) => (/\p{Cc}|[\u{40000}-\u{10ffff}]/u.test(text) ? null : text), cuts: true },
  'conv-bert_wordpiece': LOSSY,
  'conv-synth_unigram_bf': LOSSY,
};

/**
 * End-of-generation tokens: those that the file names, and those that llama.cpp recognises by their text
 * (`special_eog_ids`).
 */
const END_PIECES: Readonly<Record<string, readonly string[]>> = {
  'conv-llama3': ['<|end_of_text|>', '<|eot_id|>'],
  'conv-qwen3': ['</s>', '<|endoftext|>', '<|im_end|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
  'conv-gpt4o': ['<|endoftext|>'],
  // Not <|end|>: a reply continues after it.
  'conv-gptoss': ['<|endoftext|>', '<|return|>', '<|call|>'],
  'conv-gpt35turbo': ['<|endoftext|>'],
  'conv-deepseek_v3': ['<｜end▁of▁sentence｜>'],
  // Its </s> closes HTML strikethrough, and ends replies nevertheless.
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
    /** Compares our result for every string with llama.cpp's. */
    const equal = <T>(made: (golden: LlamaCppCase) => T, wanted: (golden: LlamaCppCase) => T) => {
      expect(cases.map((golden) => [golden.name, made(golden)])).toEqual(
        cases.map((golden) => [golden.name, wanted(golden)]),
      );
    };

    it('has 140 strings and every token', () => {
      expect(cases).toHaveLength(140);
      expect(facts.tokenizer.vocabularySize).toBe(vocabularySize);
    });

    it('has the same end-of-generation tokens', () => {
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

    it('joins the pieces, with or without special ones', () => {
      equal(
        ({ idsWithSpecial }) => [decode(idsWithSpecial, false, true), decode(idsWithSpecial, true, true)],
        ({ pieces, piecesWithoutSpecial }) => [pieces, piecesWithoutSpecial],
      );
    });

    it('decodes texts from their start', () => {
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

    it('decodes the text between the tokens added around it', () => {
      // llama.cpp removes them only if the file's keys say so, which WordPiece ignores.
      const begins = facts.tokenizer.bosTokenId === null ? 0 : 1;
      const ends = metadata['tokenizer.ggml.model'] === 't5' ? 1 : 0;
      const inside = cases.filter(({ decodedInside }) => decodedInside !== null);
      const parts = inside.map(({ idsOfText }) => idsOfText.slice(begins, idsOfText.length - ends));
      expect(parts.map((ids) => detokenized(decode(ids, false, begins > 0)))).toEqual(
        inside.map(({ decodedInside }) => decodedInside),
      );
    });

    it('gives pieces the same ids, and ranges in order and within the text', () => {
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
