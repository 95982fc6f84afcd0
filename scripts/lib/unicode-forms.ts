/** Normalisation forms of Unicode 9.0, derived from `String.prototype.normalize`. */
import { assignedBy9 } from './unicode-ages.ts';

const isHangulSyllable = (codePoint: number) => codePoint >= 0xac00 && codePoint <= 0xd7a3;
const isSurrogate = (codePoint: number) => codePoint >= 0xd800 && codePoint <= 0xdfff;

function* codePoints(): Generator<number> {
  for (let codePoint = 0xa0; codePoint < 0x110000; codePoint++) {
    if (assignedBy9(codePoint) && !isSurrogate(codePoint) && !isHangulSyllable(codePoint)) yield codePoint;
  }
}

const codesOf = (text: string): number[] => [...text].map((character) => character.codePointAt(0) ?? 0);
const base36 = (numbers: readonly number[]) => numbers.map((n) => n.toString(36)).join('.');

/** Per entry the gap to the previous one and its result; `*n` for n neighbours that map to neighbours. */
function encode(entries: readonly (readonly [codePoint: number, target: number[]])[]): string {
  const words: string[] = [];
  let next = 0;
  for (let i = 0; i < entries.length;) {
    const [first, target] = entries[i];
    let run = 1;
    while (
      target.length === 1 &&
      i + run < entries.length &&
      entries[i + run][0] === first + run &&
      entries[i + run][1].length === 1 &&
      entries[i + run][1][0] === target[0] + run
    ) {
      run++;
    }
    words.push(`${(first - next).toString(36)}${run > 1 ? `*${run.toString(36)}` : ''}:${base36(target)}`);
    next = first + run;
    i += run;
  }
  return words.join(' ');
}

/** Full canonical decompositions, without Hangul syllables. */
export function canonicalDecompositions(): string {
  const entries: [number, number[]][] = [];
  for (const codePoint of codePoints()) {
    const text = String.fromCodePoint(codePoint);
    const decomposed = text.normalize('NFD');
    if (decomposed !== text) entries.push([codePoint, codesOf(decomposed)]);
  }
  return encode(entries);
}

/** Full compatibility decompositions where they differ from the canonical ones. */
export function compatibilityDecompositions(): string {
  const entries: [number, number[]][] = [];
  for (const codePoint of codePoints()) {
    const text = String.fromCodePoint(codePoint);
    const decomposed = text.normalize('NFKD');
    if (decomposed !== text.normalize('NFD')) entries.push([codePoint, codesOf(decomposed)]);
  }
  return encode(entries);
}

/** Pairs of code points that compose: the composed one's gap, then the first and the second. */
export function compositions(): string {
  const entries: [number, number[]][] = [];
  for (const codePoint of codePoints()) {
    const text = String.fromCodePoint(codePoint);
    const parts = [...text.normalize('NFD')];
    if (parts.length < 2 || text.normalize('NFC') !== text) continue;
    const last = parts.pop() ?? '';
    entries.push([codePoint, [...codesOf(parts.join('').normalize('NFC')), ...codesOf(last)]]);
  }
  const odd = entries.find(([, pair]) => pair.length !== 2);
  if (odd) throw new Error(`U+${odd[0].toString(16)} does not compose from two.`);
  return encode(entries);
}

/**
 * Code points that move when marks are sorted, by rank: lower ranks move before higher ones. (Ranks represent canonical
 * combining classes, whose numbers do not matter.) Per rank: gaps and lengths in turn; ranks are separated by `/`.
 */
export function combiningRanks(): string {
  const swaps = (a: string, b: string) => `x${a}${b}`.normalize('NFD') === `x${b}${a}` && a !== b;
  const ranks: string[][] = [];
  for (const codePoint of codePoints()) {
    const mark = String.fromCodePoint(codePoint);
    if (mark.normalize('NFD') !== mark || !/\p{M}/u.test(mark)) continue;
    if (!swaps(mark, '\u0334') && !swaps('\u0345', mark)) continue;
    const at = ranks.findIndex(([other]) => !swaps(mark, other) && !swaps(other, mark));
    if (at !== -1) ranks[at].push(mark);
    else {
      const before = ranks.findIndex(([other]) => swaps(other, mark));
      ranks.splice(before === -1 ? ranks.length : before, 0, [mark]);
    }
  }
  return ranks.map((marks) => gapsOf(marks.flatMap(codesOf))).join(' / ');
}

/** Gaps and lengths in turn, in base 36. */
export function gapsOf(ascending: readonly number[]): string {
  const numbers: number[] = [];
  let end = 0;
  for (let i = 0; i < ascending.length;) {
    const start = ascending[i];
    let length = 1;
    while (ascending[i + length] === start + length) length++;
    numbers.push(start - end, length);
    end = start + length;
    i += length;
  }
  return numbers.map((n) => n.toString(36)).join(' ');
}
