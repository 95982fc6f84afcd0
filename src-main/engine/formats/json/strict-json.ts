import { EngineError } from '../../api/errors.ts';

/** Objects become Maps, so that `__proto__` is a key like any other. */
export type StrictJson = null | boolean | number | string | readonly StrictJson[] | StrictJsonObject;
export type StrictJsonObject = ReadonlyMap<string, StrictJson>;

export interface StrictJsonLimits {
  /** Maximum nesting of objects and arrays, the outermost counted. */
  readonly maxDepth: number;
}

/**
 * Parses JSON from an untrusted file. Unlike JSON.parse it refuses duplicate keys (parsers disagree on which one counts)
 * and nesting deeper than the file's format needs.
 *
 * @param what names the file and part in messages
 * @throws EngineError MODEL_FORMAT with the position of the error
 */
export function parseStrictJson(text: string, limits: StrictJsonLimits, what: string): StrictJson {
  return new Parser(text, limits.maxDepth, what).parse();
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// JSON forbids unescaped control characters in strings.
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
    private readonly what: string,
  ) {}

  parse(): StrictJson {
    const value = this.value(1);
    this.take(SPACE);
    if (this.at < this.text.length) throw this.error('has text after its end');
    return value;
  }

  private value(depth: number): StrictJson {
    this.take(SPACE);
    const next = this.text[this.at];
    if (next === '{' || next === '[') {
      if (depth > this.maxDepth) throw this.error(`is nested deeper than ${this.maxDepth}`);
      return next === '{' ? this.object(depth) : this.array(depth);
    }
    const literal =
      next === '"'
        ? this.take(STRING)
        : next === '-' || (next >= '0' && next <= '9')
          ? this.take(NUMBER)
          : this.take(WORD);
    if (!literal) throw this.error(next === undefined ? 'ends too early' : 'is not valid JSON');
    // Only the literal: its syntax was checked, and JSON.parse decodes the escapes.
    return JSON.parse(literal) as string | number | boolean | null;
  }

  private object(depth: number): StrictJsonObject {
    const entries = new Map<string, StrictJson>();
    this.at++;
    if (this.next('}')) return entries;
    do {
      this.take(SPACE);
      const literal = this.take(STRING);
      if (!literal) throw this.error('has something other than a key where a key should be');
      const key = JSON.parse(literal) as string;
      if (entries.has(key)) throw this.error(`has the key ${quote(key)} twice`);
      if (!this.next(':')) throw this.error(`has no colon after the key ${quote(key)}`);
      entries.set(key, this.value(depth + 1));
    } while (this.next(','));
    if (!this.next('}')) throw this.error('has an object that is not closed');
    return entries;
  }

  private array(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    this.at++;
    if (this.next(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.next(','));
    if (!this.next(']')) throw this.error('has an array that is not closed');
    return items;
  }

  /** Skips white space and then `character`, if it comes next. */
  private next(character: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return '';
    this.at = pattern.lastIndex;
    return match[0];
  }

  private error(problem: string): EngineError {
    return new EngineError('MODEL_FORMAT', `${this.what} ${problem} (character ${this.at}).`, { position: this.at });
  }
}

/** Cuts a text from a file to a length that fits in a message. */
export function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Shortens and quotes a text, with control characters escaped. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}
