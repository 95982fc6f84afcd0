import { CodePointSet, MAX_CODE_POINT } from '../code-point-set.ts';
import { choice, EMPTY, repeat, sequence, type Expression } from '../expression.ts';
import { anyStringCharacter, DIGIT, stringCharacter } from './json-text.ts';

/** Maximum nesting of groups. */
const MAX_DEPTH = 50;
export const MAX_PATTERN_LENGTH = 4096;

const LINE_ENDS = CodePointSet.from('\n\r\u2028\u2029');
const WORD = CodePointSet.of([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const SPACE = CodePointSet.from('\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff').union(
  CodePointSet.of([[0x2000, 0x200a]]),
);
const CLASSES: Readonly<Record<string, CodePointSet>> = {
  d: DIGIT,
  D: DIGIT.complement(),
  w: WORD,
  W: WORD.complement(),
  s: SPACE,
  S: SPACE.complement(),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

/** A pattern error with the index of the character, from 0. */
export class PatternProblem extends Error {
  constructor(
    message: string,
    readonly index: number,
  ) {
    super(message);
  }
}

/**
 * The content of a JSON string that matches a regular expression, with JSON schema's meaning of `pattern`: it may match
 * anywhere, unless anchored by `^` and `$`. Supports groups, alternatives, classes and repetition; look-around and
 * back-references are not regular and are refused.
 * @throws PatternProblem
 */
export function patternText(pattern: string): Expression {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new PatternProblem(`is longer than ${MAX_PATTERN_LENGTH} characters`, MAX_PATTERN_LENGTH);
  return new Parser(pattern).parse();
}

class Parser {
  private at = 0;
  private readonly characters: readonly string[];

  constructor(pattern: string) {
    this.characters = [...pattern];
  }

  parse(): Expression {
    const options: Expression[] = [];
    do {
      const atStart = this.skip('^');
      const middle = this.sequence(0);
      const atEnd = this.skip('$');
      options.push(sequence(atStart ? EMPTY : this.anything(), middle, atEnd ? EMPTY : this.anything()));
    } while (this.skip('|'));
    if (this.at < this.characters.length) throw this.problem(`cannot have ${JSON.stringify(this.next)} here`);
    return choice(...options);
  }

  private anything(): Expression {
    return repeat(anyStringCharacter(), 0, null, 0);
  }

  private get next(): string | undefined {
    return this.characters[this.at];
  }

  private sequence(depth: number): Expression {
    const items: Expression[] = [];
    for (let item = this.item(depth); item !== null; item = this.item(depth)) items.push(this.repeated(item));
    return sequence(...items);
  }

  /** @returns null if no item begins here */
  private item(depth: number): Expression | null {
    const { next, at } = this;
    if (next === undefined || next === '|' || next === ')') return null;
    if (next === '$' && [undefined, '|'].includes(this.characters[at + 1]) && depth === 0) return null;
    if ('^$'.includes(next)) throw this.problem(`can have "${next}" only at its start or end, outside parentheses`);
    if ('*+?{'.includes(next)) throw this.problem('has nothing to repeat');
    if (next === '(') return this.group(depth);
    const set = next === '[' ? this.characterClass() : this.single();
    const expression = stringCharacter(set);
    if (expression === null) throw this.problem('names a character that does not exist', at);
    return expression;
  }

  private group(depth: number): Expression {
    const { at } = this;
    if (depth === MAX_DEPTH) throw this.problem(`has groups more than ${MAX_DEPTH} deep`);
    this.at++;
    if (this.skip('?') && !this.skip(':')) {
      if (!this.skip('<') || this.next === '=' || this.next === '!')
        throw this.problem('cannot have lookahead or lookbehind', at);
      while (this.next !== undefined && !this.skip('>')) this.at++;
    }
    const options = [this.sequence(depth + 1)];
    while (this.skip('|')) options.push(this.sequence(depth + 1));
    if (!this.skip(')')) throw this.problem('has a parenthesis that is not closed', at);
    return choice(...options);
  }

  private repeated(item: Expression): Expression {
    const { at } = this;
    const bounds = this.bounds();
    if (bounds === null) return item;
    // Lazy or not, the same texts match.
    this.skip('?');
    if (this.next !== undefined && '*+?{'.includes(this.next)) throw this.problem('repeats a repetition');
    const [min, max] = bounds;
    if (max !== null && max < min) throw this.problem('has a repetition whose maximum is below its minimum', at);
    return repeat(item, min, max, 0);
  }

  private bounds(): [min: number, max: number | null] | null {
    if (this.skip('*')) return [0, null];
    if (this.skip('+')) return [1, null];
    if (this.skip('?')) return [0, 1];
    const { at } = this;
    if (!this.skip('{')) return null;
    const min = this.number();
    const max = this.skip(',') ? (this.next === '}' ? null : this.number()) : min;
    if (!this.skip('}')) throw this.problem('has a repetition that is not closed', at);
    return [min, max];
  }

  private number(): number {
    const from = this.at;
    while (this.next !== undefined && /\d/.test(this.next)) this.at++;
    if (from === this.at) throw this.problem('must have a number here');
    return Number(this.characters.slice(from, this.at).join(''));
  }

  private characterClass(): CodePointSet {
    const opened = this.at++;
    const negated = this.skip('^');
    let set = CodePointSet.of([]);
    while (!this.skip(']')) {
      if (this.next === undefined) throw this.problem('has a bracket that is not closed', opened);
      const first = this.member();
      if (this.next === '-' && this.characters[this.at + 1] !== ']') {
        const { at } = this;
        this.at++;
        if (this.next === undefined) throw this.problem('has a bracket that is not closed', opened);
        const [low, high] = [onlyCharacter(first), onlyCharacter(this.member())];
        if (low === null || high === null || high < low) throw this.problem('has a range in the wrong order', at);
        set = set.union(CodePointSet.of([[low, high]]));
      } else {
        set = set.union(first);
      }
    }
    return negated ? set.complement() : set;
  }

  private member(): CodePointSet {
    return this.next === '.' ? this.literal() : this.single('b');
  }

  /** One character, possibly escaped. @param backspace the letter that means backspace inside brackets */
  private single(backspace = ''): CodePointSet {
    if (this.skip('.')) return LINE_ENDS.complement();
    if (!this.skip('\\')) return this.literal();
    const at = this.at - 1;
    const { next } = this;
    if (next === undefined) throw this.problem('ends with a backslash', at);
    this.at++;
    if (CLASSES[next] !== undefined) return CLASSES[next];
    if (CONTROLS[next] !== undefined && !(next === '0' && /\d/.test(this.next ?? ''))) return one(CONTROLS[next]);
    if (next === backspace) return one(8);
    if (next === 'x') return one(this.hex(2, at));
    if (next === 'u') return one(this.unicode(at));
    if (/[A-Za-z0-9]/.test(next)) throw this.problem(`cannot have \\${next}`, at);
    return one(next.codePointAt(0)!);
  }

  private literal(): CodePointSet {
    return one(this.characters[this.at++].codePointAt(0)!);
  }

  private unicode(at: number): number {
    if (!this.skip('{')) return this.hex(4, at);
    let length = 0;
    while (this.characters[this.at + length] !== '}' && length < 7) length++;
    const codePoint = this.hex(length, at);
    if (!this.skip('}') || codePoint > MAX_CODE_POINT) throw this.problem('has an invalid escape', at);
    return codePoint;
  }

  private hex(length: number, at: number): number {
    const written = this.characters.slice(this.at, this.at + length).join('');
    if (!/^[\da-fA-F]+$/.test(written) || written.length !== length) throw this.problem('has an invalid escape', at);
    this.at += length;
    return Number.parseInt(written, 16);
  }

  private skip(character: string): boolean {
    if (this.next !== character) return false;
    this.at++;
    return true;
  }

  private problem(message: string, index = this.at): PatternProblem {
    return new PatternProblem(message, index);
  }
}

function one(codePoint: number): CodePointSet {
  return CodePointSet.of([[codePoint, codePoint]]);
}

/** @returns null for a class such as `\d` */
function onlyCharacter(set: CodePointSet): number | null {
  const ranges = [...set.ranges()];
  return ranges.length === 1 && ranges[0][0] === ranges[0][1] ? ranges[0][0] : null;
}
