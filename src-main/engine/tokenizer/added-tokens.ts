import type { JsonPart } from './json-part.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

/** A stretch of text between added tokens, or one such token: UTF-16 range `[start, end)`. */
export interface Section {
  start: number;
  end: number;
  /** Null: ordinary text. */
  tokenId: number | null;
}

/** Ways of matching an added token that this engine does not know. */
const UNSUPPORTED_FLAGS = ['single_word', 'lstrip', 'rstrip', 'normalized'];

/** The `added_tokens` of a tokenizer file. Adds them to `vocabulary`. */
export function addedTokensFromJson(part: JsonPart, vocabulary: Vocabulary): AddedToken[] {
  if (part.isNull) return [];
  return part.items().map((item) => {
    const content = item.get('content');
    if (content.string() === '') throw content.malformed('must not be empty');
    for (const flag of UNSUPPORTED_FLAGS) {
      const value = item.get(flag);
      if (!value.isNull && value.boolean()) throw value.unsupported('true');
    }
    const id = vocabulary.add(content.string(), item.get('id'));
    return { id, content: content.string(), special: item.get('special').boolean() };
  });
}

/**
 * Finds added tokens in a text before it is normalised.
 *
 * @returns a function from a text to its sections, left to right, none empty; of tokens that begin at one place the
 *   longest wins.
 */
export function addedTokenSplitter(tokens: readonly AddedToken[]): (text: string) => Section[] {
  const ids = new Map(tokens.map((token) => [token.content, token.id]));
  const longestFirst = [...ids.keys()].sort((a, b) => b.length - a.length).map(escapeRegex);
  const pattern = longestFirst.length === 0 ? null : new RegExp(longestFirst.join('|'), 'gu');
  return (text) => {
    const sections: Section[] = [];
    let end = 0;
    for (const match of pattern ? text.matchAll(pattern) : []) {
      if (match.index > end) sections.push({ start: end, end: match.index, tokenId: null });
      end = match.index + match[0].length;
      sections.push({ start: match.index, end, tokenId: ids.get(match[0])! });
    }
    if (end < text.length) sections.push({ start: end, end: text.length, tokenId: null });
    return sections;
  };
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
