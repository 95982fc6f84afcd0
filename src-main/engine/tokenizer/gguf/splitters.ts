import type { Range } from '../regex/pattern.ts';
import { expressionSplitter, type Splitter } from './expression.ts';
import { llamaClass } from './unicode.ts';

/** Splitters that are not regular expressions, or would not take linear time as such. */

/** `\s+$`: the white space at the end is a word. */
export const trailingSpace: Splitter = (text) => {
  // All white space characters are one UTF-16 unit.
  const isSpace = (unit: number) => llamaClass('s').ranges.some(([first, last]) => unit >= first && unit <= last);
  let start = text.length;
  while (start > 0 && isSpace(text.charCodeAt(start - 1))) start--;
  return [[0, start] as const, [start, text.length] as const].filter(([from, to]) => to > from);
};

let digits: RegExp | undefined;

/**
 * Groups digits in threes from the right. As in llama.cpp, text before a number stays with its first group; the next
 * splitter separates it.
 */
export const digitGroups: Splitter = (text) => {
  digits ??= new RegExp(`[${classSource('N')}]+`, 'gu');
  const ranges: Range[] = [];
  let start = 0;
  const cut = (end: number) => {
    if (end > start) ranges.push([start, end]);
    start = end;
  };
  for (const { 0: number, index } of text.matchAll(digits)) {
    const ends: number[] = [];
    let at = index;
    for (const digit of number) ends.push((at += digit.length));
    for (let i = ends.length % 3 === 0 ? 2 : (ends.length % 3) - 1; i < ends.length; i += 3) cut(ends[i]);
  }
  cut(text.length);
  return ranges;
};

/** Splits before every three ASCII digits, counted from the end of their run. */
export const thousands: Splitter = (text) => {
  const ranges: Range[] = [];
  let start = 0;
  for (const { 0: number, index } of text.matchAll(/[0-9]+/g)) {
    for (let at = index + (number.length % 3 || 3); at <= index + number.length; at += 3) {
      const cut = at - 3;
      if (cut > start && cut >= index) {
        ranges.push([start, cut]);
        start = cut;
      }
    }
  }
  if (start < text.length) ranges.push([start, text.length]);
  return ranges;
};

function classSource(name: string): string {
  return llamaClass(name)
    .ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`)
    .join('');
}

/** Letters of Latin, Greek, Cyrillic and some other scripts with case, as listed by DeepSeek LLM's tokenizer. */
const DEEPSEEK_LETTERS = [
  '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c',
  '38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b',
  '1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4',
  '1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113',
  '2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b',
  '2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06',
  'fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df',
  '1e900-1e943',
]
  .join(' ')
  .split(' ')
  .map((range) => range.replaceAll(/[0-9a-f]+/g, (hex) => `\\u{${hex}}`))
  .join('');

export const deepseekWords: Splitter = (text) => deepseekSplitter()(text);

let deepseek: Splitter | undefined;

function deepseekSplitter(): Splitter {
  deepseek ??= expressionSplitter(`\\s?[${DEEPSEEK_LETTERS}]+`);
  return deepseek;
}
