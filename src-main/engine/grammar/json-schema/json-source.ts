import { grammarError } from '../source-position.ts';
import { decimalOf, type Decimal } from './decimal.ts';

/** A JSON value with its offset in the text. */
export type JsonNode = { readonly at: number } & (
  | { readonly type: 'object'; readonly entries: ReadonlyMap<string, JsonEntry> }
  | { readonly type: 'array'; readonly items: readonly JsonNode[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number; readonly decimal: Decimal }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null'; readonly value: null }
);

export interface JsonEntry {
  /** Offset of the key. */
  readonly at: number;
  readonly value: JsonNode;
}

export type JsonObject = JsonNode & { type: 'object' };

const MAX_DEPTH = 200;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// JSON forbids unescaped control characters in strings.
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

/** @throws EngineError GRAMMAR with line and column of a syntax error */
export function readJson(source: string): JsonNode {
  return new Reader(source).read();
}

/** The value as JSON text, without white space. */
export function jsonText(node: JsonNode): string {
  switch (node.type) {
    case 'object':
      return `{${Array.from(node.entries, ([key, { value }]) => `${JSON.stringify(key)}:${jsonText(value)}`).join()}}`;
    case 'array':
      return `[${node.items.map(jsonText).join()}]`;
    case 'number':
      return node.decimal.text;
    default:
      return JSON.stringify(node.value);
  }
}

class Reader {
  private at = 0;

  constructor(private readonly source: string) {}

  read(): JsonNode {
    const value = this.value(0);
    this.take(SPACE);
    if (this.at < this.source.length) throw this.error('There is extra text after the JSON.');
    return value;
  }

  private value(depth: number): JsonNode {
    this.take(SPACE);
    const { at } = this;
    const next = this.source[at];
    if (next === '{' || next === '[') {
      if (depth === MAX_DEPTH) throw this.error(`The JSON is nested more than ${MAX_DEPTH} deep.`);
      this.at++;
      return next === '{'
        ? { type: 'object', at, entries: this.entries(depth + 1, at) }
        : { type: 'array', at, items: this.items(depth + 1, at) };
    }
    if (next === '"') return { type: 'string', at, value: this.string() };
    const number = this.take(NUMBER);
    if (number !== '') return { type: 'number', at, value: Number(number), decimal: decimalOf(number) };
    const word = this.take(WORD);
    if (word === '') throw this.error(next === undefined ? 'The JSON ends too early.' : 'Expected a JSON value.');
    return word === 'null' ? { type: 'null', at, value: null } : { type: 'boolean', at, value: word === 'true' };
  }

  private entries(depth: number, opened: number): Map<string, JsonEntry> {
    const entries = new Map<string, JsonEntry>();
    if (this.next('}')) return entries;
    do {
      this.take(SPACE);
      const { at } = this;
      const key = this.string();
      if (entries.has(key)) throw this.error(`The key ${JSON.stringify(key)} appears twice.`, at);
      if (!this.next(':')) throw this.error(`Expected a colon after the key ${JSON.stringify(key)}.`);
      entries.set(key, { at, value: this.value(depth) });
    } while (this.next(','));
    if (!this.next('}')) throw this.unclosed('The brace is not closed.', 'Expected a comma or "}".', opened);
    return entries;
  }

  private items(depth: number, opened: number): JsonNode[] {
    const items: JsonNode[] = [];
    if (this.next(']')) return items;
    do items.push(this.value(depth));
    while (this.next(','));
    if (!this.next(']')) throw this.unclosed('The bracket is not closed.', 'Expected a comma or "]".', opened);
    return items;
  }

  private string(): string {
    const literal = this.take(STRING);
    if (literal === '') throw this.error('Expected a string in quotation marks, closed on the same line.');
    // Only the literal: its syntax was checked, and JSON.parse decodes the escapes.
    return JSON.parse(literal) as string;
  }

  /** Skips white space and then `character`, if it comes next. */
  private next(character: string): boolean {
    this.take(SPACE);
    if (this.source[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match === null) return '';
    this.at = pattern.lastIndex;
    return match[0];
  }

  private unclosed(atEnd: string, before: string, opened: number): Error {
    return this.at === this.source.length ? this.error(atEnd, opened) : this.error(before);
  }

  private error(message: string, at = this.at): Error {
    return grammarError(message, this.source, at);
  }
}
