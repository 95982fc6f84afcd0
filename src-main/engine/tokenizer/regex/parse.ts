import {
  decimalDigits,
  generalCategory,
  whiteSpace,
  wordCharacters,
  wordCharactersOutsideSets,
} from '../unicode/sets.ts';
import { CharSet, LAST_CODE_POINT } from './char-set.ts';
import { RegexError, type RegexNode } from './syntax.ts';

const MAX_PATTERN_LENGTH = 4096;
const MAX_DEPTH = 50;
const MAX_REPEAT = 1000;

const CONTROL_ESCAPES = new Map(
  Object.entries({ n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07', e: '\x1b' }).map(([letter, char]) => [
    letter,
    char.codePointAt(0)!,
  ]),
);

/**
 * Parses the part of Oniguruma's syntax that tokenizers use: sets, groups, alternation, quantifiers, look-around,
 * `\w \s \d`, `\p{general category}`, `(?i:ASCII words)`. Groups never capture.
 *
 * @throws RegexError
 */
export function parseRegex(pattern: string): RegexNode {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new RegexError(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`, true);
  }
  return new Parser(pattern).parse();
}

class Parser {
  private readonly chars: string[];
  private at = 0;
  private depth = 0;
  /** Inside `(?i:...)`. */
  private ignoreCase = false;

  constructor(pattern: string) {
    this.chars = [...pattern];
  }

  parse(): RegexNode {
    const node = this.alternation();
    if (this.at < this.chars.length) throw this.invalid('")" without "("');
    return node;
  }

  private invalid(what: string): RegexError {
    return new RegexError(`${what} at character ${this.at + 1}`, false);
  }

  private unsupported(what: string): RegexError {
    return new RegexError(`${what} at character ${this.at + 1} is not supported`, true);
  }

  private peek(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.chars[this.at + i] !== text[i]) return false;
    return true;
  }

  private take(text: string): boolean {
    if (!this.peek(text)) return false;
    this.at += text.length;
    return true;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw this.unsupported('nesting this deep');
  }

  private alternation(): RegexNode {
    this.enter();
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    this.depth--;
    return options.length === 1 ? options[0]! : { type: 'alternation', options };
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.at < this.chars.length && !this.peek('|') && !this.peek(')')) items.push(this.quantified());
    return items.length === 1 ? items[0]! : { type: 'sequence', items };
  }

  private quantified(): RegexNode {
    const item = this.atom();
    const bounds = this.quantifier();
    if (!bounds) return item;
    if (item.type === 'look') throw this.unsupported('a repeated look-around');
    const [min, max] = bounds;
    if (max < min) throw this.invalid('a quantifier whose maximum is below its minimum');
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) throw this.unsupported('a count above 1000');
    const lazy = this.take('?');
    if (!lazy && this.peek('+')) throw this.unsupported('a possessive quantifier');
    if (this.peek('*') || this.peek('+') || this.peek('?')) throw this.unsupported('a quantifier after a quantifier');
    return { type: 'repeat', item, min, max, lazy };
  }

  private quantifier(): [number, number] | null {
    if (this.take('*')) return [0, Infinity];
    if (this.take('+')) return [1, Infinity];
    if (this.take('?')) return [0, 1];
    const counts = /^\{(\d*)(,?)(\d*)\}/.exec(this.chars.slice(this.at, this.at + 16).join(''));
    if (!counts || (counts[1] === '' && counts[3] === '')) return null;
    this.at += counts[0].length;
    const min = counts[1] === '' ? 0 : Number(counts[1]);
    if (counts[2] === '') return [min, min];
    return [min, counts[3] === '' ? Infinity : Number(counts[3])];
  }

  private atom(): RegexNode {
    if (this.peek('(')) return this.group();
    if (this.take('[')) return this.cased(this.set());
    if (this.take('.')) return { type: 'set', set: CharSet.single(0x0a).complement() };
    if (this.peek('^') || this.peek('$')) throw this.unsupported(`the anchor "${this.chars[this.at]}"`);
    if (this.peek('*') || this.peek('+') || this.peek('?')) throw this.invalid('a quantifier with nothing to repeat');
    return this.cased(this.character(wordCharactersOutsideSets));
  }

  /** The set with the other cases of its character, inside `(?i:...)`: what tokenizers write there are ASCII words. */
  private cased(set: CharSet): RegexNode {
    if (!this.ignoreCase) return { type: 'set', set };
    const codePoint = singleCodePoint(set);
    const variants = codePoint === null ? null : caseVariants(codePoint);
    if (!variants) throw this.unsupported('a set or a letter beyond ASCII inside "(?i:"');
    return { type: 'set', set: CharSet.of(variants.map((variant) => [variant, variant])) };
  }

  private group(): RegexNode {
    this.at++;
    let look: { behind: boolean; negative: boolean } | null = null;
    const outside = this.ignoreCase;
    if (this.take('?=')) look = { behind: false, negative: false };
    else if (this.take('?!')) look = { behind: false, negative: true };
    else if (this.take('?<=')) look = { behind: true, negative: false };
    else if (this.take('?<!')) look = { behind: true, negative: true };
    else if (this.take('?i:')) this.ignoreCase = true;
    else if (this.peek('?') && !this.take('?:'))
      throw this.unsupported(`the group "(?${this.chars[this.at + 1] ?? ''}"`);
    const item = this.alternation();
    this.ignoreCase = outside;
    if (!this.take(')')) throw this.invalid('a group without its ")"');
    return look ? { type: 'look', ...look, item } : item;
  }

  /** After the `[`. Sets nest: `[a[^b]]` is a union, as in Oniguruma. */
  private set(): CharSet {
    this.enter();
    const negative = this.take('^');
    const parts: CharSet[] = [];
    if (this.peek(']')) throw this.invalid('an empty set');
    while (!this.take(']')) {
      if (this.at >= this.chars.length) throw this.invalid('a set without its "]"');
      if (this.peek('[:')) throw this.unsupported('a POSIX bracket');
      if (this.peek('&&')) throw this.unsupported('a set intersection');
      parts.push(this.take('[') ? this.set() : this.setItem());
    }
    this.depth--;
    const set = CharSet.union(parts);
    return negative ? set.complement() : set;
  }

  private setItem(): CharSet {
    const first = this.character();
    const from = singleCodePoint(first);
    if (from === null || !this.peek('-') || this.chars[this.at + 1] === ']') return first;
    this.at++;
    const to = this.peek('[') ? null : singleCodePoint(this.character());
    if (to === null) throw this.unsupported('a range that ends in a set');
    if (to < from) throw this.invalid('a range whose end is before its start');
    return CharSet.of([[from, to]]);
  }

  private character(word = wordCharacters): CharSet {
    const char = this.chars[this.at];
    if (char === undefined) throw this.invalid('a missing character');
    if (char === '\\') return this.escape(word);
    this.at++;
    return CharSet.single(char.codePointAt(0)!);
  }

  private escape(word: () => CharSet): CharSet {
    const letter = this.chars[this.at + 1];
    if (letter === undefined) throw this.invalid('a "\\" with nothing after it');
    const start = this.at;
    this.at += 2;
    const control = CONTROL_ESCAPES.get(letter);
    if (control !== undefined) return CharSet.single(control);
    switch (letter) {
      case 'w':
        return word();
      case 'W':
        return word().complement();
      case 's':
        return whiteSpace();
      case 'S':
        return whiteSpace().complement();
      case 'd':
        return decimalDigits();
      case 'D':
        return decimalDigits().complement();
      case 'p':
      case 'P':
        return this.property(letter === 'P');
      case 'x':
        return this.hexadecimal(/^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{1,2}))/i);
      case 'u':
        return this.hexadecimal(/^([0-9a-f]{4})/i);
    }
    if (/^[A-Za-z0-9]$/.test(letter)) {
      this.at = start;
      throw this.unsupported(`"\\${letter}"`);
    }
    return CharSet.single(letter.codePointAt(0)!);
  }

  private hexadecimal(digits: RegExp): CharSet {
    const found = digits.exec(this.chars.slice(this.at, this.at + 8).join(''));
    const codePoint = parseInt(found?.[1] ?? found?.[2] ?? '', 16);
    if (!found || codePoint > LAST_CODE_POINT) throw this.invalid('a code point that does not exist');
    this.at += found[0].length;
    return CharSet.single(codePoint);
  }

  private property(upper: boolean): CharSet {
    const found = /^\{(\^?)([A-Za-z_]{1,30})\}/.exec(this.chars.slice(this.at, this.at + 33).join(''));
    if (!found) throw this.invalid('a "\\p" without its "{name}"');
    const set = generalCategory(found[2]!);
    if (!set) throw this.unsupported(`the property "${found[2]}"`);
    this.at += found[0].length;
    return upper !== (found[1] === '^') ? set.complement() : set;
  }
}

/** Code points that differ from an ASCII one in case only (Unicode's simple folding); null beyond ASCII when there may be some. */
function caseVariants(codePoint: number): number[] | null {
  const character = String.fromCodePoint(codePoint);
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  if (lower === upper) return [codePoint];
  if (codePoint > 0x7f) return null;
  // The long s and the Kelvin sign fold to ASCII letters.
  const beyond = lower === 's' ? [0x17f] : lower === 'k' ? [0x212a] : [];
  return [lower.codePointAt(0)!, upper.codePointAt(0)!, ...beyond];
}

/** The one code point of a set that has just one, else null. */
function singleCodePoint(set: CharSet): number | null {
  const [range] = set.ranges;
  return set.ranges.length === 1 && range![0] === range![1] ? range![0] : null;
}
