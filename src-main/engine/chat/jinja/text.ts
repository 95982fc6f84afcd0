/** A stretch `[start, end)` of a text that comes from a message of the chat. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly message: number;
}

const NO_MARKS: readonly Mark[] = [];
const SURROGATE = /[\ud800-\udfff]/;

/**
 * A text that knows which of its characters come from messages, through everything that a template does with it.
 * Positions of marks are UTF-16; positions that templates give are code points, as in Python.
 */
export class Text {
  constructor(
    readonly value: string,
    /** Sorted, apart from each other, none empty. */
    readonly marks: readonly Mark[] = NO_MARKS,
  ) {}

  static readonly empty = new Text('');

  /** All of `value` comes from the message. */
  static from(value: string, message: number): Text {
    return value === '' ? Text.empty : new Text(value, [{ start: 0, end: value.length, message }]);
  }

  /** Length in code points. */
  get length(): number {
    return SURROGATE.test(this.value) ? Array.from(this.value).length : this.value.length;
  }

  /** UTF-16 range. */
  cut(from: number, to = this.value.length): Text {
    if (from <= 0 && to >= this.value.length) return this;
    if (from >= to) return Text.empty;
    if (this.marks.length === 0) return new Text(this.value.slice(from, to));
    const marks: Mark[] = [];
    for (let i = this.firstMarkAfter(from); i < this.marks.length && this.marks[i].start < to; i++) {
      const { start, end, message } = this.marks[i];
      marks.push({ start: Math.max(start, from) - from, end: Math.min(end, to) - from, message });
    }
    return new Text(this.value.slice(from, to), marks);
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

  /** The characters, one code point each. */
  characters(): Text[] {
    const characters: Text[] = [];
    let at = 0;
    for (const character of this.value) {
      characters.push(this.cut(at, at + character.length));
      at += character.length;
    }
    return characters;
  }

  /** Each unmarked and marked stretch changed by itself, for changes that work character by character. */
  map(change: (value: string) => string): Text {
    if (this.marks.length === 0) return new Text(change(this.value));
    const parts: Text[] = [];
    let at = 0;
    for (const { start, end, message } of this.marks) {
      parts.push(
        new Text(change(this.value.slice(at, start))),
        Text.from(change(this.value.slice(start, end)), message),
      );
      at = end;
    }
    parts.push(new Text(change(this.value.slice(at))));
    return joinTexts(parts);
  }

  /** A text made of this one in a way that cannot be followed: all of it counts as the message's. */
  remade(value: string): Text {
    return this.marks.length === 0 ? new Text(value) : Text.from(value, this.marks[0].message);
  }

  /** UTF-16 positions of `search`, apart from each other, from left to right. */
  positions(search: string, most = Infinity): number[] {
    const found: number[] = [];
    let at = this.value.indexOf(search);
    while (at !== -1 && found.length < most) {
      found.push(at);
      at = this.value.indexOf(search, at + search.length);
    }
    return found;
  }

  split(separator: string, most = Infinity): Text[] {
    const parts: Text[] = [];
    let from = 0;
    for (const at of this.positions(separator, most)) {
      parts.push(this.cut(from, at));
      from = at + separator.length;
    }
    parts.push(this.cut(from));
    return parts;
  }

  /** Without the characters of `set` (left out: white space) at its ends. */
  strip(set: string | null, side: 'both' | 'left' | 'right' = 'both'): Text {
    const isIn = set === null ? isSpace : (character: string) => set.includes(character);
    let [from, to] = [0, this.value.length];
    if (side !== 'right') while (from < to && isIn(this.value[from])) from++;
    if (side !== 'left') while (to > from && isIn(this.value[to - 1])) to--;
    return this.cut(from, to);
  }
}

/** What Python takes for white space, in one UTF-16 unit. */
export function isSpace(unit: string): boolean {
  if (unit >= '\x1c' && unit <= '\x1f') return true;
  return unit === '\x85' || (unit !== '\ufeff' && unit.trim() === '');
}

/** One text of all, in linear time. */
export function joinTexts(parts: readonly Text[], separator = Text.empty): Text {
  if (parts.length === 1) return parts[0];
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
    length += part.value.length;
  };
  parts.forEach((part, i) => {
    if (i > 0 && separator.value !== '') add(separator);
    add(part);
  });
  return new Text(values.join(''), marks);
}
