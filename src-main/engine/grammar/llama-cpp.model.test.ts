import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../models/open-model.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GrammarVocabulary } from './grammar-matcher.ts';
import type { GrammarState } from './token-masks.ts';
import { grammarVocabulary } from './tokenizer-vocabulary.ts';
import { allowedIds, matcherOf } from './test-support/random-texts.ts';
import { VocabularyTrie } from './vocabulary-trie.ts';

interface Fixture {
  grammars: Record<
    string,
    {
      gbnf: string;
      cases: {
        prefix: string;
        ids: number[];
        allowed_count: number;
        allowed_sha256: string;
        allowed_first: number[];
        end_allowed: boolean;
      }[];
    }
  >;
}

const url = new URL('../fixtures/grammars/llama-cpp.json', import.meta.url);
const fixture = JSON.parse(readFileSync(url, 'utf8')) as Fixture;
const path = await testModelPath();
/** End-of-generation tokens of SmolLM2 in llama.cpp. */
const END_IDS = [0, 2, 4];

describe.skipIf(path === null)("grammars over SmolLM2's vocabulary (needs the fetched test model)", () => {
  let tokenizer: Tokenizer;
  let asText: GrammarVocabulary;

  beforeAll(async () => {
    // Loads the vocabulary only, no weights.
    const takeWeights = () => Promise.resolve({ bytes: 0, get: () => expect.unreachable('weights are not needed') });
    ({ tokenizer } = await openModel(await singleFile(path!), { contextSize: 16, takeWeights }));
    const bytes = (id: number): Uint8Array | null => {
      const own = tokenizer.bytes(id);
      return own[0] === 0 ? null : own;
    };
    const trie = new VocabularyTrie({ size: tokenizer.vocabularySize, bytes });
    asText = { trie, endIds: END_IDS, tokenOf: () => null };
  });

  describe.each(Object.entries(fixture.grammars))('%s', (_name, { gbnf, cases }) => {
    it.each(cases)("allows the tokens that llama.cpp allows after '$prefix'", (expected) => {
      const matcher = matcherOf({ kind: 'gbnf', source: gbnf }, asText);
      const at = expected.ids.reduce<GrammarState>((state, id) => matcher.accept(state, id)!, matcher.start);
      const ids = allowedIds(matcher, at);
      expect(ids.slice(0, expected.allowed_first.length)).toEqual(expected.allowed_first);
      expect(ids.length).toBe(expected.allowed_count);
      expect(createHash('sha256').update(ids.join()).digest('hex')).toBe(expected.allowed_sha256);
      expect(matcher.mayEnd(at)).toBe(expected.end_allowed);
      expect(matcher.allowed(at).count).toBe(ids.length);

      // Replies hide control tokens, so none may be used as text; otherwise the sets are the same.
      const own = matcherOf({ kind: 'gbnf', source: gbnf }, grammarVocabulary(tokenizer, END_IDS));
      const ownAt = expected.ids.reduce<GrammarState>((state, id) => own.accept(state, id)!, own.start);
      const isText = (id: number): boolean => END_IDS.includes(id) || !tokenizer.isSpecial(id);
      expect(allowedIds(own, ownAt)).toEqual(ids.filter(isText));
    });
  });

  it('finds a token by its piece', () => {
    const vocabulary = grammarVocabulary(tokenizer, END_IDS);
    const matcher = matcherOf({ kind: 'gbnf', source: 'root ::= <|im_start|> "a" | !<|im_start|> <[1]>' }, vocabulary);
    const ids = allowedIds(matcher, matcher.start);
    expect(ids).toContain(1);
    expect(allowedIds(matcher, matcher.accept(matcher.start, 1)!)).toEqual([81]);
    expect(allowedIds(matcher, matcher.accept(matcher.start, 81)!)).toEqual([1]);
    expect(() => matcherOf({ kind: 'gbnf', source: 'root ::= <|no|>' }, vocabulary)).toThrow(
      "is not in the model's vocabulary",
    );
  });
});
