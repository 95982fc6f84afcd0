import { TemplateFault } from './fault.ts';
import { unescapeString } from './string-literal.ts';

export type TokenType =
  | 'data'
  | 'variable_begin'
  | 'variable_end'
  | 'block_begin'
  | 'block_end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end';

export interface Token {
  readonly type: TokenType;
  /** A string's characters, a number's digits, an operator as written. */
  readonly value: string;
  /** UTF-16 offset into the source. */
  readonly at: number;
}

const TAG = /\{\{|\{%|\{#/g;
const SPACE = /\s+/y;
const NAME = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:\.(?:\d+_)*\d+(?:[eE][+-]?(?:\d+_)*\d+)?|[eE][+-]?(?:\d+_)*\d+)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[+\-/*%~[\](){}=<>.:|,;]/y;
const VARIABLE_END = /-\}\}\s*|\}\}/y;
const BLOCK_END = /\+%\}|-%\}\s*|%\}\n?/y;
const COMMENT_END = /\+#\}|-#\}\s*|#\}\n?/g;
const RAW_BEGIN = /\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})/y;
const RAW_END = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Normalizes line ends to `\n` and removes the one at the end of the source. */
export function normalizeSource(source: string): string {
  return source.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
}

/**
 * Splits a template into tokens, like Jinja2 with `trim_blocks` and `lstrip_blocks`: a line end after a tag is removed,
 * and so is the white space before a tag on its own line.
 *
 * @param source normalized
 * @throws TemplateFault with its position
 */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly tokens: Token[] = [];
  private pos = 0;
  /** Whether `pos` is at the start of a line, as far as the previous tag determines. */
  private lineStarting = true;

  constructor(private readonly source: string) {}

  run(): Token[] {
    const { source } = this;
    while (this.pos < source.length) {
      TAG.lastIndex = this.pos;
      const tag = TAG.exec(source);
      if (!tag) {
        this.data(source.length, '', false);
        break;
      }
      const sign = /[-+]/.test(source[tag.index + 2] ?? '') ? source[tag.index + 2] : '';
      this.data(tag.index, sign, tag[0] !== '{{');
      if (tag[0] === '{#') this.comment(tag.index);
      else if (tag[0] === '{%' && this.match(RAW_BEGIN, tag.index)) this.raw(tag.index);
      else this.tag(tag.index, tag[0] === '{{' ? 'variable' : 'block', sign);
    }
    this.tokens.push({ type: 'end', value: '', at: source.length });
    return this.tokens;
  }

  /** Adds the text from `pos` to `end`, the start of a tag with `sign`. */
  private data(end: number, sign: string, lstrip: boolean): void {
    const text = stripBefore(this.source.slice(this.pos, end), sign, lstrip, this.lineStarting);
    if (text !== '') this.tokens.push({ type: 'data', value: text, at: this.pos });
    this.pos = end;
  }

  private comment(at: number): void {
    COMMENT_END.lastIndex = at + 2;
    const end = COMMENT_END.exec(this.source);
    if (!end) throw new TemplateFault('this comment is not closed: "#}" is missing', at);
    this.goTo(end.index + end[0].length);
  }

  private raw(at: number): void {
    const begin = this.match(RAW_BEGIN, at)!;
    RAW_END.lastIndex = at + begin.length;
    const end = RAW_END.exec(this.source);
    if (!end) throw new TemplateFault('this raw block is not closed: "{% endraw %}" is missing', at);
    this.pos = at + begin.length;
    this.lineStarting = begin.endsWith('\n');
    this.data(end.index, end[1], true);
    this.goTo(end.index + end[0].length);
  }

  private tag(at: number, kind: 'variable' | 'block', sign: string): void {
    this.tokens.push({ type: `${kind}_begin`, value: '', at });
    this.pos = at + 2 + (sign === '' ? 0 : 1);
    const open: { closing: string; at: number }[] = [];
    for (;;) {
      if (this.pos >= this.source.length) {
        throw new TemplateFault(`this tag is not closed: "${kind === 'variable' ? '}}' : '%}'}" is missing`, at);
      }
      const end = open.length > 0 ? null : this.match(kind === 'variable' ? VARIABLE_END : BLOCK_END, this.pos);
      if (end !== null) {
        this.tokens.push({ type: `${kind}_end`, value: '', at: this.pos });
        return this.goTo(this.pos + end.length);
      }
      this.inTag(open);
    }
  }

  private inTag(open: { closing: string; at: number }[]): void {
    const at = this.pos;
    const space = this.match(SPACE, at);
    if (space !== null) {
      this.pos += space.length;
      return;
    }
    const rules: [TokenType, RegExp][] = [
      ['float', FLOAT],
      ['integer', INTEGER],
      ['name', NAME],
      ['string', STRING],
      ['operator', OPERATOR],
    ];
    for (const [type, pattern] of rules) {
      const value = this.match(pattern, at);
      if (value === null) continue;
      if (type === 'operator') balance(value, at, open);
      this.tokens.push({ type, value: type === 'string' ? unescapeString(value.slice(1, -1), at) : value, at });
      this.pos += value.length;
      return;
    }
    const [character] = this.source.slice(at);
    const what = character === '"' || character === "'" ? 'this string has no closing quotation mark' : null;
    throw new TemplateFault(what ?? `unexpected character ${JSON.stringify(character)}`, at);
  }

  private goTo(pos: number): void {
    this.lineStarting = this.source[pos - 1] === '\n';
    this.pos = pos;
  }

  private match(pattern: RegExp, at: number): string | null {
    pattern.lastIndex = at;
    return pattern.exec(this.source)?.[0] ?? null;
  }
}

/** Removes the white space that the following tag strips from a text. */
function stripBefore(text: string, sign: string, lstrip: boolean, lineStarting: boolean): string {
  if (sign === '-') return text.trimEnd();
  if (sign === '+' || !lstrip) return text;
  const lineStart = text.lastIndexOf('\n') + 1;
  const isOnOwnLine = (lineStart > 0 || lineStarting) && text.slice(lineStart).trim() === '';
  return isOnOwnLine ? text.slice(0, lineStart) : text;
}

function balance(operator: string, at: number, open: { closing: string; at: number }[]): void {
  if (operator in CLOSING) open.push({ closing: CLOSING[operator], at });
  if (!')]}'.includes(operator)) return;
  const expected = open.pop()?.closing;
  if (expected === operator) return;
  throw new TemplateFault(`unexpected "${operator}"` + (expected === undefined ? '' : `, expected "${expected}"`), at);
}
