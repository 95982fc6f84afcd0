import { CodePointSet, MAX_CODE_POINT } from './code-point-set.ts';
import { characters, choice, repeat, sequence, type Expression, type GrammarRules, type Rule } from './expression.ts';
import { grammarError } from './source-position.ts';

/** No text contains these. */
const SURROGATES = CodePointSet.of([[0xd800, 0xdfff]]);
/** Maximum nesting of parentheses. */
const MAX_DEPTH = 100;

const NAME = /[A-Za-z0-9-]+/y;
const INTEGER = /[0-9]+/y;
const ESCAPED_HEX = /x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}/y;
const SPACE = /(?:[ \t]|#[^\r\n]*)*/y;
const SPACE_OR_LINES = /(?:[ \t\r\n]|#[^\r\n]*)*/y;
const TOKEN_ID = /<\[([0-9]{1,9})\]>/y;
const TOKEN_PIECE = /<[^>\r\n]+>/y;

const ESCAPES: Readonly<Record<string, string>> = {
  t: '\t',
  r: '\r',
  n: '\n',
  '\\': '\\',
  '"': '"',
  '[': '[',
  ']': ']',
  '-': '-',
};

/**
 * Reads a grammar in llama.cpp's GBNF: rules `name ::= alternates`, alternates separated by `|`, items `"text"`, `[a-z]`,
 * `[^a-z]`, `.`, names, `(groups)`, tokens `<[id]>`, `<piece>` and `!<piece>`, followed by `*`, `+`, `?`, `{m}`, `{m,}`,
 * `{m,n}`; comments from `#` to the end of the line. A rule ends with its line, unless a parenthesis is open or the line
 * ends with `::=` or `|`.
 * @throws EngineError GRAMMAR with line and column
 */
export function parseGbnf(source: string): GrammarRules {
  return { rules: new Parser(source).parse(), source, isSchema: false };
}

class Parser {
  private at = 0;
  private readonly rules = new Map<string, Rule>();

  constructor(private readonly source: string) {}

  parse(): Map<string, Rule> {
    this.take(SPACE_OR_LINES);
    while (this.at < this.source.length) this.rule();
    return this.rules;
  }

  private rule(): void {
    const at = this.at;
    const name = this.take(NAME);
    if (name === '') throw this.error('Expected a rule name: letters, digits and dashes.');
    this.take(SPACE);
    if (!this.skip('::=')) throw this.error(`Expected "::=" after the name ${name}.`);
    // llama.cpp lets a later rule replace an earlier one, which is never intended.
    if (this.rules.has(name)) throw this.error(`The rule ${name} is already defined. Choose another name.`, at);
    this.take(SPACE_OR_LINES);
    this.rules.set(name, { expression: this.alternates(0), at });
    if (this.at < this.source.length && !/[\r\n]/.test(this.source[this.at])) throw this.error(this.unexpected());
    this.take(SPACE_OR_LINES);
  }

  private alternates(depth: number): Expression {
    const options = [this.sequence(depth)];
    while (this.skip('|')) {
      this.take(SPACE_OR_LINES);
      options.push(this.sequence(depth));
    }
    return choice(...options);
  }

  private sequence(depth: number): Expression {
    const items: Expression[] = [];
    for (;;) {
      const at = this.at;
      let item = this.item(depth);
      if (item === null) {
        if (/[*+?{]/.test(this.source[at] ?? '')) throw this.error('There is nothing before this to repeat.');
        return sequence(...items);
      }
      this.space(depth);
      for (let again = this.repetition(item, depth); again !== null; again = this.repetition(item, depth)) {
        item = again;
        this.space(depth);
      }
      items.push(item);
    }
  }

  /** @returns null if no item begins here */
  private item(depth: number): Expression | null {
    const at = this.at;
    switch (this.source[at]) {
      case '"':
        return this.quoted();
      case '[':
        return this.characterClass();
      case '.':
        this.at++;
        return characters(CodePointSet.ANY);
      case '<':
      case '!':
        return this.token();
      case '(': {
        if (depth === MAX_DEPTH) throw this.error(`Parentheses are nested more than ${MAX_DEPTH} deep.`);
        this.at++;
        this.take(SPACE_OR_LINES);
        const group = this.alternates(depth + 1);
        if (!this.skip(')')) throw this.error(this.ended ? 'The parenthesis is not closed.' : this.unexpected(), at);
        return group;
      }
    }
    const name = this.take(NAME);
    return name === '' ? null : { kind: 'rule', name, at };
  }

  private quoted(): Expression {
    const opened = this.at++;
    let literal = '';
    while (!this.skip('"')) {
      if (this.ended) throw this.error('The quotation mark is not closed.', opened);
      literal += String.fromCodePoint(this.character());
    }
    return { kind: 'text', text: literal };
  }

  private characterClass(): Expression {
    const opened = this.at++;
    const negated = this.skip('^');
    const ranges: [number, number][] = [];
    while (!this.skip(']')) {
      if (this.ended) throw this.error('The bracket is not closed.', opened);
      const at = this.at;
      const first = this.character();
      let last = first;
      if (this.source[this.at] === '-' && this.source[this.at + 1] !== ']') {
        this.at++;
        if (this.ended) throw this.error('The bracket is not closed.', opened);
        last = this.character();
        if (last < first) throw this.error('The range ends before it starts.', at);
      }
      ranges.push([first, last]);
    }
    const set = CodePointSet.of(ranges);
    const allowed = negated ? set.complement() : set;
    if (allowed.minus(SURROGATES).isEmpty) throw this.error('No character matches these brackets.', opened);
    return characters(allowed);
  }

  /** A character in a string or brackets, possibly escaped. @returns its code point */
  private character(): number {
    if (this.source[this.at] !== '\\') {
      const codePoint = this.source.codePointAt(this.at)!;
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) throw this.error('This is half a character.');
      this.at += codePoint > 0xffff ? 2 : 1;
      return codePoint;
    }
    const at = this.at++;
    const hex = this.take(ESCAPED_HEX);
    if (hex !== '') {
      const codePoint = Number.parseInt(hex.slice(1), 16);
      if (codePoint > MAX_CODE_POINT || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
        throw this.error(`\\${hex} is not a Unicode character.`, at);
      }
      return codePoint;
    }
    const escaped = ESCAPES[this.source[this.at]];
    if (escaped === undefined) {
      throw this.error('Unknown escape. Supported: \\n \\r \\t \\\\ \\" \\[ \\] \\- \\xFF \\uFFFF \\U0010FFFF.', at);
    }
    this.at++;
    return escaped.codePointAt(0)!;
  }

  private token(): Expression {
    const at = this.at;
    const negated = this.skip('!');
    const byId = this.take(TOKEN_ID);
    if (byId !== '') return { kind: 'token', token: { id: Number(byId.slice(2, -2)) }, negated, at };
    const piece = this.take(TOKEN_PIECE);
    if (piece === '') throw this.error('Expected a token: <[id]> or <piece>.', at);
    return { kind: 'token', token: { piece }, negated, at };
  }

  /** The repetition after an item; null if there is none. */
  private repetition(item: Expression, depth: number): Expression | null {
    const at = this.at;
    if (this.skip('*')) return repeat(item, 0, null, at);
    if (this.skip('+')) return repeat(item, 1, null, at);
    if (this.skip('?')) return repeat(item, 0, 1, at);
    if (!this.skip('{')) return null;
    this.space(depth);
    const min = this.count();
    let max: number | null = min;
    this.space(depth);
    if (this.skip(',')) {
      this.space(depth);
      max = this.source[this.at] === '}' ? null : this.count();
      this.space(depth);
    }
    if (!this.skip('}')) throw this.error('Write repetitions as {m}, {m,} or {m,n}.', at);
    if (max !== null && max < min) throw this.error('The repetition’s maximum is below its minimum.', at);
    return repeat(item, min, max, at);
  }

  private count(): number {
    const digits = this.take(INTEGER);
    if (digits === '') throw this.error('Expected a whole number.');
    return Number(digits);
  }

  /** Skips white space. Inside parentheses a line may end anywhere. */
  private space(depth: number): void {
    this.take(depth > 0 ? SPACE_OR_LINES : SPACE);
  }

  private get ended(): boolean {
    return this.at >= this.source.length;
  }

  private skip(literal: string): boolean {
    if (!this.source.startsWith(literal, this.at)) return false;
    this.at += literal.length;
    return true;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match === null) return '';
    this.at = pattern.lastIndex;
    return match[0];
  }

  private unexpected(): string {
    const character = String.fromCodePoint(this.source.codePointAt(this.at)!);
    return `${JSON.stringify(character)} is not allowed here.`;
  }

  private error(message: string, at = this.at): Error {
    return grammarError(message, this.source, at);
  }
}
