import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GrammarVocabulary } from './grammar-matcher.ts';
import { VocabularyTrie, type TokenBytes } from './vocabulary-trie.ts';

const tries = new WeakMap<Tokenizer, VocabularyTrie>();

/**
 * The text tokens of a tokenizer by their bytes. Scanning the vocabulary is slow, so the trie is cached per tokenizer.
 */
export function vocabularyTrie(tokenizer: Tokenizer): VocabularyTrie {
  const known = tries.get(tokenizer);
  if (known !== undefined) return known;
  const trie = new VocabularyTrie(textTokens(tokenizer));
  tries.set(tokenizer, trie);
  return trie;
}

/** A tokenizer's vocabulary for grammars. */
export function grammarVocabulary(tokenizer: Tokenizer, endIds: readonly number[]): GrammarVocabulary {
  return {
    trie: vocabularyTrie(tokenizer),
    endIds,
    tokenOf(piece) {
      const ids = tokenizer.encode(piece, { addSpecial: false, parseSpecial: true });
      return ids.length === 1 && tokenizer.piece(ids[0]) === piece ? ids[0] : null;
    },
  };
}

/** Excludes control tokens, whatever their pieces look like. */
function textTokens(tokenizer: Tokenizer): TokenBytes {
  return {
    size: tokenizer.vocabularySize,
    bytes(id) {
      const kind = tokenizer.kind(id);
      const isText = kind === 'normal' || kind === 'byte' || kind === 'user_defined';
      if (!isText || tokenizer.isSpecial(id)) return null;
      const bytes = tokenizer.bytes(id);
      // As in llama.cpp, where a text ends at a zero byte.
      return bytes[0] === 0 ? null : bytes;
    },
  };
}
