import { CodePointSet } from '../code-point-set.ts';
import { characters, choice, EMPTY, optional, repeat, sequence, text, type Expression } from '../expression.ts';
import { digits } from './json-text.ts';

/** Both inclusive by default. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly excludesMin: boolean;
  readonly excludesMax: boolean;
}

/** Maximum absolute value; all its digits are exact. */
export const LARGEST = 999_999_999_999_999;
/** Further digits after those that decide whether a number is in its range. */
const MORE_DIGITS = 6;

/** Integers of a range; null when there are none. */
export function integersIn(range: Range): Expression | null {
  const min = Math.ceil(range.min) + (range.excludesMin && Number.isInteger(range.min) ? 1 : 0);
  const max = Math.floor(range.max) - (range.excludesMax && Number.isInteger(range.max) ? 1 : 0);
  return either(
    min < 0 ? prefixed('-', naturals(Math.max(1, -max), -min)) : null,
    max >= 0 ? naturals(Math.max(0, min), max) : null,
  );
}

/** Decimal numbers of a range, without exponents; null when there are none. */
export function numbersIn(range: Range): Expression | null {
  const { min, max, excludesMin, excludesMax } = range;
  const positive = max < 0 ? null : decimals({ ...range, min: Math.max(0, min), excludesMin: min >= 0 && excludesMin });
  if (min >= 0) return positive;
  const below: Range = {
    min: Math.max(0, -max),
    max: -min,
    excludesMin: max >= 0 || excludesMax,
    excludesMax: excludesMin,
  };
  return either(prefixed('-', decimals(below)), positive);
}

/** Integers from `min` to `max`, both at least 0. */
function naturals(min: number, max: number): Expression | null {
  if (min > max) return null;
  const options: Expression[] = [];
  const longest = String(max).length;
  for (let length = String(min).length; length <= longest; length++) {
    const first = Math.max(min, length === 1 ? 0 : 10 ** (length - 1));
    const last = Math.min(max, 10 ** length - 1);
    options.push(sameLength(String(first), String(last)));
  }
  return choice(...options);
}

/** Digits from `first` to `last`, all of the same length. */
function sameLength(first: string, last: string): Expression {
  if (first === '') return EMPTY;
  const length = first.length;
  if (/^0*$/.test(first) && /^9*$/.test(last)) return digits(length, length);
  const [low, high] = [Number(first[0]), Number(last[0])];
  if (low === high) return sequence(text(first[0]), sameLength(first.slice(1), last.slice(1)));
  const rest = length - 1;
  const options = [sequence(text(first[0]), sameLength(first.slice(1), '9'.repeat(rest)))];
  if (high - low > 1) options.push(sequence(digitBetween(low + 1, high - 1), digits(rest, rest)));
  options.push(sequence(text(last[0]), sameLength('0'.repeat(rest), last.slice(1))));
  return choice(...options);
}

/** Decimal numbers of a range at or above 0. */
function decimals({ min, max, excludesMin, excludesMax }: Range): Expression | null {
  if (min > max) return null;
  const [low, lowFraction] = decimalParts(min);
  const [high, highFraction] = decimalParts(max);
  if (low === high) {
    return prefixed(String(low), fractionBetween(lowFraction, highFraction, excludesMin, excludesMax));
  }
  const between = naturals(low + 1, high - 1);
  return either(
    prefixed(String(low), fractionFrom(lowFraction, excludesMin)),
    between === null ? null : sequence(between, optional(sequence(text('.'), digits(1, MORE_DIGITS)))),
    prefixed(String(high), fractionUpTo(highFraction, excludesMax)),
  );
}

function decimalParts(value: number): [whole: number, fraction: string] {
  const [, fraction = ''] = String(value).split('.');
  return [Math.trunc(value), fraction];
}

/** A decimal point with digits of at least `least`, or nothing if that is enough. */
function fractionFrom(least: string, excluded: boolean): Expression | null {
  const written = prefixed('.', digitsFrom(least, excluded, 1));
  return least === '' && !excluded ? either(EMPTY, written) : written;
}

function fractionUpTo(most: string, excluded: boolean): Expression | null {
  if (most === '') return excluded ? null : EMPTY;
  return either(EMPTY, prefixed('.', digitsUpTo(most, excluded)));
}

function fractionBetween(
  least: string,
  most: string,
  excludesLeast: boolean,
  excludesMost: boolean,
): Expression | null {
  const bare = least === '' && !excludesLeast && (most !== '' || !excludesMost) ? EMPTY : null;
  return either(bare, prefixed('.', digitsBetween(least, most, excludesLeast, excludesMost)));
}

/** Decimal digits of at least `least`. @param written minimum number of digits */
function digitsFrom(least: string, excluded: boolean, written = 0): Expression | null {
  if (least === '') {
    if (!excluded) return digits(written, MORE_DIGITS);
    return sequence(repeat(text('0'), 0, MORE_DIGITS, 0), digitBetween(1, 9), digits(0, MORE_DIGITS));
  }
  const first = Number(least[0]);
  return either(
    first < 9 ? sequence(digitBetween(first + 1, 9), digits(0, MORE_DIGITS)) : null,
    prefixed(least[0], digitsFrom(least.slice(1), excluded)),
  );
}

/** One or more decimal digits of at most `most`, which is not empty. */
function digitsUpTo(most: string, excluded: boolean): Expression | null {
  const first = Number(most[0]);
  const rest = most.slice(1);
  // Fewer digits have a lower value.
  const same = rest === '' ? (excluded ? null : EMPTY) : either(EMPTY, digitsUpTo(rest, excluded));
  return either(
    first > 0 ? sequence(digitBetween(0, first - 1), digits(0, MORE_DIGITS)) : null,
    prefixed(most[0], same),
  );
}

function digitsBetween(least: string, most: string, excludesLeast: boolean, excludesMost: boolean): Expression | null {
  if (most === '') return null;
  if (least === '' && !excludesLeast) return digitsUpTo(most, excludesMost);
  const low = Number(least[0] ?? '0');
  const high = Number(most[0]);
  const lowRest = least.slice(1);
  const highRest = most.slice(1);
  if (low === high) {
    const atLeast = lowRest === '' && !excludesLeast;
    const here = atLeast && (highRest !== '' || !excludesMost) ? EMPTY : null;
    return prefixed(most[0], either(here, digitsBetween(lowRest, highRest, excludesLeast, excludesMost)));
  }
  return either(
    prefixed(String(low), digitsFrom(lowRest, excludesLeast)),
    high - low > 1 ? sequence(digitBetween(low + 1, high - 1), digits(0, MORE_DIGITS)) : null,
    prefixed(
      most[0],
      highRest === '' ? (excludesMost ? null : EMPTY) : either(EMPTY, digitsUpTo(highRest, excludesMost)),
    ),
  );
}

function digitBetween(first: number, last: number): Expression {
  return characters(CodePointSet.of([[0x30 + first, 0x30 + last]]));
}

function prefixed(prefix: string, rest: Expression | null): Expression | null {
  return rest === null ? null : sequence(text(prefix), rest);
}

function either(...options: (Expression | null)[]): Expression | null {
  const possible = options.filter((option) => option !== null);
  return possible.length === 0 ? null : choice(...possible);
}
