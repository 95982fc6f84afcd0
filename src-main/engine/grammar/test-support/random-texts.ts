import { compileGrammar } from '../compile-grammar.ts';
import { GrammarMatcher, type GrammarVocabulary } from '../grammar-matcher.ts';
import type { GrammarState } from '../token-masks.ts';
import { VocabularyTrie } from '../vocabulary-trie.ts';
import type { GrammarSource } from '../../api/types.ts';

/** Tokens of several characters in addition to the 256 bytes, some of them across the boundaries of grammar items. */
const WORDS = [
  '{"',
  '":',
  '": ',
  '",',
  '", "',
  '"}',
  '}}',
  '[[',
  ']}',
  'true',
  'false',
  'null',
  'ab',
  'é"',
  ' 1',
  '00',
  '-1',
  '\n  ',
];

export const END_ID = 256 + WORDS.length;

/** All bytes, a few words and an end token. */
export function byteVocabulary(words: readonly string[] = WORDS): GrammarVocabulary {
  const endId = 256 + words.length;
  const bytes = (id: number): Uint8Array | null => {
    if (id < 256) return Uint8Array.of(id);
    return id < endId ? new TextEncoder().encode(words[id - 256]) : null;
  };
  return { trie: new VocabularyTrie({ size: endId + 1, bytes }), endIds: [endId], tokenOf: () => null };
}

const VOCABULARY = byteVocabulary();

export function matcherOf(grammar: GrammarSource, vocabulary = VOCABULARY): GrammarMatcher {
  return new GrammarMatcher(compileGrammar(grammar), vocabulary);
}

export function allowedIds(matcher: GrammarMatcher, at: GrammarState, budget?: number): number[] {
  const { bits } = matcher.allowed(at, budget);
  return Array.from({ length: bits.length * 32 }, (_, id) => id).filter(
    (id) => ((bits[id >>> 5] >>> (id & 31)) & 1) === 1,
  );
}

/**
 * A text of at most `budget` tokens, drawn at random from the allowed ones.
 * @param random 0..1
 * @throws Error when nothing is allowed, or the text is incomplete when the budget is used up
 */
export function randomText(matcher: GrammarMatcher, budget: number, random: () => number): string {
  const bytes: number[] = [];
  let at = matcher.start;
  for (let left = budget; left > 0; left--) {
    if (matcher.mustEnd(at)) break;
    const ids = allowedIds(matcher, at, left);
    if (ids.length === 0) throw new Error(`Nothing can follow ${JSON.stringify(decode(bytes))}.`);
    const id = ids[Math.floor(random() * ids.length)];
    if (id === END_ID) break;
    const next = matcher.accept(at, id);
    if (next === null)
      throw new Error(`Token ${id} is allowed after ${JSON.stringify(decode(bytes))}, but not accepted.`);
    bytes.push(...VOCABULARY.trie.vocabulary.bytes(id)!);
    at = next;
  }
  if (!matcher.mayEnd(at)) throw new Error(`No end within ${budget} tokens: ${JSON.stringify(decode(bytes))}.`);
  return decode(bytes);
}

/** Whether the grammar allows the text, whole. */
export function allows(matcher: GrammarMatcher, text: string): boolean {
  const at = matcher.acceptText(matcher.start, text);
  return at !== null && matcher.mayEnd(at);
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
}
