import { spendCharacters, spendSteps } from './budget.ts';

/** A range `[start, end)` of a text that comes from a message of the chat. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly message: number;
}

const NO_MARKS: readonly Mark[] = [];
const SURROGATE = /[\ud800-\udfff]/;

/** Cost of a text in addition to its characters. */
const STEPS_PER_TEXT = 0.5;
const STEPS_PER_MARK = 0.25;
/** Cost of a match. */
const STEPS_PER_MATCH = 0.5;
const STEPS_PER_REPLACEMENT = 0.25;
/** Character comparisons that cost as much as a step. */
const COMPARISONS_PER_STEP = 256;

/**
 * A text that tracks which of its characters come from messages, through all operations of a template. Positions of marks
 * are UTF-16; positions in templates are code points, as in Python.
 *
 * While a template is rendered, creating and scanning a text is charged by its characters.
 */
export class Text {
  readonly #value: string;

  /** @throws LimitFault */
  constructor(
    value: string,
    /** Sorted, disjoint, not empty. */
    readonly marks: readonly Mark[] = NO_MARKS,
  ) {
    spendSteps(STEPS_PER_TEXT + STEPS_PER_MARK * marks.length);
    spendCharacters(value.length);
    this.#value = value;
  }

  static readonly empty = new Text('');

  /** A text that comes entirely from the message. */
  static from(value: string, message: number): Text {
    return value === '' ? Text.empty : new Text(value, [{ start: 0, end: value.length, message }]);
  }

  /** All characters, charged in full. @throws LimitFault */
  get value(): string {
    spendCharacters(this.#value.length);
    return this.#value;
  }

  /** In UTF-16 units. Free of charge. */
  get size(): number {
    return this.#value.length;
  }

  /** Length in code points. */
  get length(): number {
    const { value } = this;
    if (!SURROGATE.test(value)) return value.length;
    let length = 0;
    for (let at = 0; at < value.length; at += unitsAt(value, at)) length++;
    return length;
  }

  equals(other: Text): boolean {
    return this.size === other.size && this.value === other.value;
  }

  /** Compares by code points, as Python does; JavaScript's order by UTF-16 units differs above U+FFFF. */
  compareTo(other: Text): number {
    spendCharacters(2 * Math.min(this.size, other.size));
    const [a, b] = [this.#value, other.#value];
    if (a === b) return 0;
    let at = 0;
    while (at < a.length && a[at] === b[at]) at++;
    const [x, y] = [a.codePointAt(at) ?? -1, b.codePointAt(at) ?? -1];
    return x - y;
  }

  startsWith(part: Text): boolean {
    return part.size <= this.size && this.#value.startsWith(part.value);
  }

  endsWith(part: Text): boolean {
    return part.size <= this.size && this.#value.endsWith(part.value);
  }

  /** UTF-16 position of the first, or last, `part`, or -1. */
  indexOf(part: Text, last = false): number {
    return last ? this.searched(part).lastIndexOf(part.#value) : this.searched(part).indexOf(part.#value);
  }

  /** The characters, charged for the worst case of a search. */
  private searched(part: Text): string {
    spendSteps((this.size * part.size) / COMPARISONS_PER_STEP);
    return this.value;
  }

  /** UTF-16 range. */
  cut(from: number, to = this.size): Text {
    if (from <= 0 && to >= this.size) return this;
    if (from >= to) return Text.empty;
    if (this.marks.length === 0) return new Text(this.#value.slice(from, to));
    const marks: Mark[] = [];
    for (let i = this.firstMarkAfter(from); i < this.marks.length && this.marks[i].start < to; i++) {
      const { start, end, message } = this.marks[i];
      marks.push({ start: Math.max(start, from) - from, end: Math.min(end, to) - from, message });
    }
    return new Text(this.#value.slice(from, to), marks);
  }

  /** Range of code points, none negative. */
  cutCodePoints(from: number, to: number): Text {
    const { value } = this;
    if (!SURROGATE.test(value)) return this.cut(from, Math.max(0, to));
    let at = 0;
    let unitFrom = value.length;
    for (let index = 0; at < value.length && index < to; index++) {
      if (index === from) unitFrom = at;
      at += unitsAt(value, at);
    }
    return unitFrom < at ? this.cut(unitFrom, at) : Text.empty;
  }

  /** Index of the first mark that ends after the position. */
  private firstMarkAfter(position: number): number {
    let [low, high] = [0, this.marks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.marks[middle].end > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The characters as texts of one code point each. */
  characters(): Text[] {
    const characters: Text[] = [];
    let at = 0;
    for (const character of this.value) {
      characters.push(this.cut(at, at + character.length));
      at += character.length;
    }
    return characters;
  }

  /** Applies a change that works character by character to each marked and unmarked range. */
  map(change: (value: string) => string): Text {
    if (this.marks.length === 0) return new Text(change(this.value));
    const { value } = this;
    const parts: Text[] = [];
    let at = 0;
    for (const { start, end, message } of this.marks) {
      parts.push(new Text(change(value.slice(at, start))), Text.from(change(value.slice(start, end)), message));
      at = end;
    }
    parts.push(new Text(change(value.slice(at))));
    return joinTexts(parts);
  }

  /** Matches of a pattern, which must take linear time. */
  *matches(pattern: RegExp): Generator<RegExpExecArray, void, undefined> {
    for (const match of this.value.matchAll(pattern)) {
      spendSteps(STEPS_PER_MATCH);
      yield match;
    }
  }

  /** As `map`, for the matches of a pattern, which must take linear time. */
  mapMatches(pattern: RegExp, change: (match: string) => string): Text {
    return this.map((part) =>
      part.replaceAll(pattern, (match) => {
        spendSteps(STEPS_PER_REPLACEMENT);
        return change(match);
      }),
    );
  }

  /** A text derived from this one in an untracked way: all of it belongs to the message. */
  remade(value: string): Text {
    return this.marks.length === 0 ? new Text(value) : Text.from(value, this.marks[0].message);
  }

  /** UTF-16 positions of all `part`, which must not be empty, without overlaps. */
  positions(part: Text, most = Infinity): number[] {
    const value = this.searched(part);
    const found: number[] = [];
    let at = value.indexOf(part.#value);
    while (at !== -1 && found.length < most) {
      spendSteps(STEPS_PER_REPLACEMENT);
      found.push(at);
      at = value.indexOf(part.#value, at + part.size);
    }
    return found;
  }

  split(separator: Text, most = Infinity): Text[] {
    const parts: Text[] = [];
    let from = 0;
    for (const at of this.positions(separator, most)) {
      parts.push(this.cut(from, at));
      from = at + separator.size;
    }
    parts.push(this.cut(from));
    return parts;
  }

  /** Strips the characters of `set` (null: white space) from its ends. */
  strip(set: string | null, side: 'both' | 'left' | 'right' = 'both'): Text {
    const { value } = this;
    const units = set === null ? null : new Set(set.split(''));
    const isIn = (unit: string) => (units === null ? isSpace(unit) : units.has(unit));
    let [from, to] = [0, value.length];
    if (side !== 'right') while (from < to && isIn(value[from])) from++;
    if (side !== 'left') while (to > from && isIn(value[to - 1])) to--;
    return this.cut(from, to);
  }
}

/** UTF-16 units of the code point at a position. */
function unitsAt(value: string, at: number): 1 | 2 {
  return value.codePointAt(at)! > 0xffff ? 2 : 1;
}

/** White space as in Python, for one UTF-16 unit. */
export function isSpace(unit: string): boolean {
  if (unit >= '\x1c' && unit <= '\x1f') return true;
  return unit === '\x85' || (unit !== '\ufeff' && unit.trim() === '');
}

/** Joins texts in linear time. Reading the parts is charged before the result is created. @throws LimitFault */
export function joinTexts(parts: readonly Text[], separator = Text.empty): Text {
  if (parts.length === 1) return parts[0];
  spendSteps(STEPS_PER_TEXT * parts.length);
  const values: string[] = [];
  const marks: Mark[] = [];
  let length = 0;
  const add = (part: Text) => {
    values.push(part.value);
    for (const { start, end, message } of part.marks) {
      const last = marks.at(-1);
      if (last?.end === start + length && last.message === message) {
        marks[marks.length - 1] = { ...last, end: end + length };
      } else marks.push({ start: start + length, end: end + length, message });
    }
    length += part.size;
  };
  parts.forEach((part, i) => {
    if (i > 0 && separator.size > 0) add(separator);
    add(part);
  });
  return new Text(values.join(''), marks);
}

/** Repeats a text. @throws LimitFault before it is created */
export function repeatText(text: Text, times: number): Text {
  const count = Math.max(0, times);
  spendCharacters(text.size * count);
  if (text.marks.length > 0) return joinTexts(Array.from({ length: count }, () => text));
  return new Text(text.value.repeat(count));
}
