import { EngineError } from '../../api/errors.ts';
import type { Range } from '../regex/pattern.ts';
import { toJavaScript } from '../regex/to-javascript.ts';
import { llamaClass } from './unicode.ts';

/** Splits a text into consecutive ranges that cover it. */
export type Splitter = (text: string) => Range[];

const WIDE_SPACE = /[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

/**
 * The splitter for one of llama.cpp's regular expressions. Matches are words, and so is the text between them.
 *
 * llama.cpp runs ECMAScript expressions over a text in which every non-ASCII character is replaced by its class. The same
 * results from the original text when `\p{...}`, `\s` and `\d` are written out as llama.cpp's character sets, which also
 * makes all hosts agree. An expression without `\p{...}` sees all characters except white space unchanged.
 */
export function expressionSplitter(expression: string): Splitter {
  const regex = new RegExp(writeOut(expression), 'gu');
  const seesCharacters = !expression.includes('\\p{');
  return (text) => {
    const ranges: Range[] = [];
    const read = seesCharacters ? text.replaceAll(WIDE_SPACE, '\v') : text;
    let end = 0;
    try {
      // Not matchAll, which compiles an expression for each of up to a million ranges.
      regex.lastIndex = 0;
      for (let match = regex.exec(read); match; match = regex.exec(read)) {
        const stop = regex.lastIndex;
        if (match.index > end) ranges.push([end, match.index]);
        if (stop > match.index) ranges.push([match.index, stop]);
        else regex.lastIndex += (read.codePointAt(stop) ?? 0) > 0xffff ? 2 : 1;
        end = stop;
      }
    } catch (error) {
      throw tooLong(error, text);
    }
    if (end < text.length) ranges.push([end, text.length]);
    return ranges;
  };
}

/** The matcher stores backtracking state for every character of a match, and has memory for a few million. */
function tooLong(error: unknown, text: string): unknown {
  if (!(error instanceof RangeError)) return error;
  return new EngineError(
    'BAD_REQUEST',
    'The text has millions of characters without a break, too many to split into words. Shorten it.',
    { length: text.length },
    { cause: error },
  );
}

/** Expands the expression's character classes. */
function writeOut(expression: string): string {
  let inSet = false;
  return expression.replaceAll(/\\p\{([A-Za-z-]+)\}|\\([^])|[[\]]/gu, (found, name?: string, escaped?: string) => {
    if (found === '[') inSet = true;
    else if (found === ']') inSet = false;
    else if (name !== undefined) return written(name, inSet);
    else if (escaped === 's') return written('s', inSet);
    else if (escaped === 'S') return `[^${written('s', true)}]`;
    else if (escaped === 'd') return inSet ? '0-9' : '[0-9]';
    return found;
  });
}

function written(name: string, inSet: boolean): string {
  const set = toJavaScript({ type: 'set', set: llamaClass(name) });
  return inSet ? set.slice(1, -1) : set;
}

/** Applies the splitters in order, each to the ranges of the previous one. */
export function splitAll(text: string, splitters: readonly Splitter[]): Range[] {
  let ranges: Range[] = text === '' ? [] : [[0, text.length]];
  for (const split of splitters) {
    const next: Range[] = [];
    for (const [start, end] of ranges) {
      for (const [from, to] of split(start === 0 && end === text.length ? text : text.slice(start, end))) {
        next.push([start + from, start + to]);
      }
    }
    ranges = next;
  }
  return ranges;
}
