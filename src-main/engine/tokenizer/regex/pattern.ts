import { EngineError } from '../../api/errors.ts';
import { refuseAmbiguousLoops } from './ambiguity.ts';
import type { CharSet } from './char-set.ts';
import { Matcher } from './matcher.ts';
import { parseRegex } from './parse.ts';
import type { RegexNode } from './syntax.ts';
import { toJavaScript } from './to-javascript.ts';

/** UTF-16 range `[start, end)`. */
export type Range = readonly [start: number, end: number];

/** Something that a tokenizer searches for. */
export interface Pattern {
  /** All matches, left to right, without overlaps; none in an empty text. */
  matches(text: string): Range[];
}

/** Finds a literal text. The empty text matches at every position, as for an empty regular expression. */
export function literalPattern(literal: string): Pattern {
  if (literal === '') return { matches: (text) => matchesOf(/(?:)/gu, text) };
  return {
    matches(text) {
      const found: Range[] = [];
      for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + literal.length)) {
        found.push([at, at + literal.length]);
      }
      return found;
    },
  };
}

/**
 * Finds a regular expression in Oniguruma's syntax, as used by Hugging Face tokenizers. `matches` throws EngineError
 * BAD_REQUEST when it takes too long.
 *
 * @throws RegexError
 */
export function regexPattern(source: string): Pattern {
  const tree = parseRegex(source);
  refuseAmbiguousLoops(tree);
  const matcher = new Matcher(tree);
  return {
    matches(text) {
      const found: Range[] = [];
      if (text === '') return found;
      let lastEnd = -1;
      matcher.search(text, (start, end) => {
        if (end === start && end === lastEnd) return null;
        found.push([start, end]);
        lastEnd = end;
        return end > start ? end : null;
      });
      return found;
    },
  };
}

/** Finds one character, or a run of them, of the first set that contains it. */
export function setPattern(sets: readonly CharSet[], runs: boolean): Pattern {
  const options = sets.map((set): RegexNode => {
    const item: RegexNode = { type: 'set', set };
    return runs ? { type: 'repeat', item, min: 1, max: Infinity, lazy: false } : item;
  });
  const regex = new RegExp(toJavaScript({ type: 'alternation', options }), 'gu');
  return { matches: (text) => matchesOf(regex, text) };
}

/** All matches as found by Oniguruma's search: without empty ones right after the previous match. */
function matchesOf(regex: RegExp, text: string): Range[] {
  const found: Range[] = [];
  if (text === '') return found;
  let lastEnd = -1;
  try {
    for (regex.lastIndex = 0; ;) {
      const match = regex.exec(text);
      if (!match) break;
      const end = match.index + match[0].length;
      if (end > match.index || end !== lastEnd) {
        found.push([match.index, end]);
        lastEnd = end;
      } else regex.lastIndex = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
    }
  } catch (error) {
    // The matcher stores backtracking state for every character of a match, and has memory for a few million.
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError(
      'BAD_REQUEST',
      'The text has millions of characters without a break, too many to split into words. Shorten it.',
      { length: text.length },
      { cause: error },
    );
  }
  return found;
}
