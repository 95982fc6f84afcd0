import {
  decimalDigits,
  posixBracket,
  property,
  whiteSpace,
  wordCharacters,
  wordCharactersOutsideSets,
} from '../unicode/sets.ts';
import { ANCHORS } from './anchors.ts';
import { ignoringCase } from './case.ts';
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
 * Parses the part of Oniguruma's syntax that tokenizers use: sets and their intersections, groups, atomic groups,
 * alternation, quantifiers (greedy, lazy, possessive), look-around, anchors, `\w \s \d \h`, `\p{category or script}`,
 * POSIX brackets, `(?i:...)` over what is ASCII or has no case. Groups never capture.
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
  /** Inside a look-behind, which JavaScript matches backwards. */
  private behind = false;

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
    const counted = this.peek('{');
    const bounds = this.quantifier();
    if (!bounds) return item;
    if (item.type === 'look') throw this.unsupported('a repeated look-around');
    const [min, max] = bounds;
    if (max < min) throw this.invalid('a quantifier whose maximum is below its minimum');
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) throw this.unsupported('a count above 1000');
    const repeated = this.suffixed({ type: 'repeat', item, min, max, lazy: false }, counted);
    if (this.peek('*') || this.peek('+') || this.peek('?')) throw this.unsupported('a quantifier after a quantifier');
    return repeated;
  }

  /** `x*?` is lazy and `x*+` possessive; in Oniguruma's syntax `x{n}?` is an optional `x{n}`, and `x{n,m}+` repeats. */
  private suffixed(repeat: RegexNode & { type: 'repeat' }, counted: boolean): RegexNode {
    if (counted && repeat.min === repeat.max) {
      return this.take('?') ? { type: 'repeat', item: repeat, min: 0, max: 1, lazy: false } : repeat;
    }
    if (this.take('?')) return { ...repeat, lazy: true };
    return !counted && this.take('+') ? this.atomic(repeat) : repeat;
  }

  private atomic(item: RegexNode): RegexNode {
    if (this.behind) throw this.unsupported('an atomic group or possessive quantifier in a look-behind');
    return { type: 'atomic', item };
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
    const anchor = Object.keys(ANCHORS).find((name) => this.peek(name));
    if (anchor && this.take(anchor)) return ANCHORS[anchor]();
    if (this.peek('*') || this.peek('+') || this.peek('?')) throw this.invalid('a quantifier with nothing to repeat');
    return this.cased(this.character(wordCharactersOutsideSets));
  }

  private cased(set: CharSet): RegexNode {
    if (!this.ignoreCase) return { type: 'set', set };
    const variants = ignoringCase(set);
    if (!variants) throw this.unsupported('a set with letters beyond ASCII inside "(?i:"');
    return { type: 'set', set: variants };
  }

  private group(): RegexNode {
    this.at++;
    let look: { behind: boolean; negative: boolean } | null = null;
    let atomic = false;
    const outside = { ignoreCase: this.ignoreCase, behind: this.behind };
    if (this.take('?=')) look = { behind: false, negative: false };
    else if (this.take('?!')) look = { behind: false, negative: true };
    else if (this.take('?<=')) look = { behind: true, negative: false };
    else if (this.take('?<!')) look = { behind: true, negative: true };
    else if (this.take('?>')) atomic = true;
    else if (this.take('?i)')) return this.restIgnoringCase();
    else if (this.take('?i:')) this.ignoreCase = true;
    else if (this.take('?-i:')) this.ignoreCase = false;
    else if (this.peek('?') && !this.take('?:'))
      throw this.unsupported(`the group "(?${this.chars[this.at + 1] ?? ''}"`);
    if (look) this.behind = look.behind;
    const item = this.alternation();
    Object.assign(this, outside);
    if (!this.take(')')) throw this.invalid('a group without its ")"');
    return look ? { type: 'look', ...look, item } : atomic ? this.atomic(item) : item;
  }

  /** `(?i)` applies until the enclosing group ends, including its alternatives. */
  private restIgnoringCase(): RegexNode {
    const outside = this.ignoreCase;
    this.ignoreCase = true;
    const rest = this.alternation();
    this.ignoreCase = outside;
    return rest;
  }

  /** After the `[`. Sets nest: `[a[^b]]` is a union, `[a-z&&[^b]]` an intersection, as in Oniguruma. */
  private set(): CharSet {
    this.enter();
    const negative = this.take('^');
    const operands: CharSet[][] = [[]];
    if (this.peek(']')) throw this.invalid('an empty set');
    while (!this.take(']')) {
      if (this.at >= this.chars.length) throw this.invalid('a set without its "]"');
      if (this.take('&&')) operands.push([]);
      else operands.at(-1)?.push(this.take('[:') ? this.posix() : this.take('[') ? this.set() : this.setItem());
    }
    this.depth--;
    const set = operands.map((parts) => CharSet.union(parts)).reduce((a, b) => a.intersection(b));
    return negative ? set.complement() : set;
  }

  private posix(): CharSet {
    const found = /^(\^?)([a-z]{1,10}):\]/.exec(this.chars.slice(this.at, this.at + 14).join(''));
    const set = found && posixBracket(found[2]);
    if (!found || !set) throw this.unsupported('this POSIX bracket');
    this.at += found[0].length;
    return found[1] ? set.complement() : set;
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
      case 'h':
      case 'H': {
        const digits = posixBracket('xdigit') ?? CharSet.of([]);
        return letter === 'h' ? digits : digits.complement();
      }
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
    const found = /^\{(\^?)([A-Za-z_ -]{1,30})\}/.exec(this.chars.slice(this.at, this.at + 33).join(''));
    if (!found) throw this.invalid('a "\\p" without its "{name}"');
    const set = property(found[2]!);
    if (!set) throw this.unsupported(`the property "${found[2]}"`);
    this.at += found[0].length;
    return upper !== (found[1] === '^') ? set.complement() : set;
  }
}

/** The one code point of a set that has just one, else null. */
function singleCodePoint(set: CharSet): number | null {
  const [range] = set.ranges;
  return set.ranges.length === 1 && range![0] === range![1] ? range![0] : null;
}
