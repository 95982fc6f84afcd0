import { EngineError } from '../../api/errors.ts';
import type { Range } from '../regex/pattern.ts';
import { toJavaScript } from '../regex/to-javascript.ts';
import { llamaClass } from './unicode.ts';

/** Cuts a text into consecutive ranges that cover it. */
export type Splitter = (text: string) => Range[];

const WIDE_SPACE = /[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

/**
 * The splitter for one of llama.cpp's regular expressions: matches are words, and so is what lies between them.
 *
 * Its expressions are ECMAScript's, run over a text in which every character beyond ASCII is replaced by its class.
 * The same comes out of the text as it is when `\p{...}`, `\s` and `\d` are written out as the characters that llama.cpp
 * counts to them, which also makes every host agree. An expression without `\p{...}` sees all characters but white space
 * as they are.
 */
export function expressionSplitter(expression: string): Splitter {
  const regex = new RegExp(writeOut(expression), 'gu');
  const seesCharacters = !expression.includes('\\p{');
  return (text) => {
    const ranges: Range[] = [];
    const read = seesCharacters ? text.replaceAll(WIDE_SPACE, '\v') : text;
    let end = 0;
    try {
      // Not matchAll, which makes an expression of its own for each of what may be a million stretches.
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

/** The matcher keeps a way back for every character of a match, and has room for a few million of them. */
function tooLong(error: unknown, text: string): unknown {
  if (!(error instanceof RangeError)) return error;
  return new EngineError(
    'BAD_REQUEST',
    'The text has millions of characters without a break, too many to split into words. Shorten it.',
    { length: text.length },
    { cause: error },
  );
}

/** The expression with its classes of characters spelled out. */
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

/** The splitters one after the other, each on the ranges that the one before it left. */
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
