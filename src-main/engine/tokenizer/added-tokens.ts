import type { Section } from './base-tokenizer.ts';
import type { JsonPart } from './json-part.ts';
import { CharTrie } from './model/char-trie.ts';
import { type CharSet } from './regex/char-set.ts';
import { toJavaScript } from './regex/to-javascript.ts';
import type { EncodeOptions } from './tokenizer.ts';
import { rustWordCharacters, whiteSpace } from './unicode/sets.ts';
import { MAX_ID, type Vocabulary } from './vocabulary.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Whether it is found only without word characters next to it. */
  readonly singleWord: boolean;
  /** Whether it includes the white space before it (left) and after it (right). */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** Whether it is normalised and searched for in the normalised text. */
  readonly normalized: boolean;
}

/**
 * Reads the `added_tokens` of a tokenizer file and adds them to `vocabulary`.
 * @param tableRows tokens with ids from here on are left out
 */
export function addedTokensFromJson(part: JsonPart, vocabulary: Vocabulary, tableRows: number): AddedToken[] {
  if (part.isNull) return [];
  return part.items().flatMap((item) => {
    const content = item.get('content');
    if (content.string() === '') throw content.malformed('must not be empty');
    if (item.get('id').count(MAX_ID) >= tableRows) return [];
    return {
      id: vocabulary.add(content.string(), item.get('id')),
      content: content.string(),
      special: item.get('special').boolean(),
      singleWord: item.get('single_word').flag(),
      stripsLeft: item.get('lstrip').flag(),
      stripsRight: item.get('rstrip').flag(),
      normalized: item.get('normalized').flag(),
    };
  });
}

/** Splits a text into sections, left to right, none empty. */
export type AddedTokenSplitter = (text: string, options: EncodeOptions) => Section[];

/**
 * Finds added tokens in a text, the longest of those that begin at the same position. If special tokens are not parsed,
 * they are skipped as ordinary text, including any token that begins inside them. (`AddedVocabulary::find_matches`.)
 * Where a token stays text, a shorter one or one that begins inside it may be found.
 *
 * @param textOf the text to search for, per token
 */
export function addedTokenSplitter(
  tokens: readonly AddedToken[],
  textOf: (token: AddedToken) => string = (token) => token.content,
): AddedTokenSplitter {
  const trie = new CharTrie();
  // Almost no character begins an added token, and a table tells quickly.
  const begins = new Uint8Array(0x10000);
  tokens.forEach((token, i) => {
    const content = textOf(token);
    if (content === '') return;
    trie.add(content, i);
    begins[content.charCodeAt(0)] = 1;
  });

  return (text, { parseSpecial = false, staysText }) => {
    const sections: Section[] = [];
    let end = 0;
    for (let at = 0; at < text.length;) {
      let found = begins[text.charCodeAt(at)] === 1 ? trie.longest(text, at) : null;
      while (found && staysText?.(tokens[found.value].id, at, found.end)) {
        found = trie.longest(text, at, CharTrie.ROOT, found.end - 1);
      }
      if (!found) {
        at++;
        continue;
      }
      const token = tokens[found.value];
      const skipped = !parseSpecial && token.special;
      if (!skipped && !(token.singleWord && isInsideWord(text, at, found.end))) {
        const start = token.stripsLeft ? spaceBefore(text, at, end) : at;
        const stop = token.stripsRight ? spaceAfter(text, found.end) : found.end;
        if (start > end) sections.push({ start: end, end: start, tokenId: null });
        sections.push({ start, end: stop, tokenId: token.id });
        end = stop;
      }
      at = found.end;
    }
    if (end < text.length) sections.push({ start: end, end: text.length, tokenId: null });
    return sections;
  };
}

const matcher = (set: () => CharSet) => {
  let pattern: RegExp | undefined;
  return (character: string) => {
    pattern ??= new RegExp(`^${toJavaScript({ type: 'set', set: set() })}$`, 'u');
    return pattern.test(character);
  };
};
const isWord = matcher(rustWordCharacters);
const isSpace = matcher(whiteSpace);

function isInsideWord(text: string, start: number, end: number): boolean {
  return (start > 0 && isWord(characterBefore(text, start))) || (end < text.length && isWord(characterAt(text, end)));
}

function spaceBefore(text: string, at: number, limit: number): number {
  while (at > limit && isSpace(text.charAt(at - 1))) at--;
  return at;
}

function spaceAfter(text: string, at: number): number {
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

const characterAt = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at) ?? 0);

function characterBefore(text: string, at: number): string {
  const isPair = (text.charCodeAt(at - 1) & 0xfc00) === 0xdc00;
  return text.slice(at - (isPair ? 2 : 1), at);
}
