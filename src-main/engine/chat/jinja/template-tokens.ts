import { TemplateFault } from './fault.ts';
import type { Token, TokenType } from './lexer.ts';

/** Maximum nesting of expressions and blocks; more would overflow the stack. */
const MAX_NESTING = 200;

/** A stream of tokens. */
export class TemplateTokens {
  private index = 0;
  private nesting = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get current(): Token {
    return this.tokens[this.index];
  }

  look(): Token {
    return this.tokens[Math.min(this.index + 1, this.tokens.length - 1)];
  }

  /** Consumes the current token. The last one stays. */
  next(): Token {
    const token = this.current;
    if (token.type !== 'end') this.index++;
    return token;
  }

  is(type: TokenType, value?: string): boolean {
    return this.current.type === type && (value === undefined || this.current.value === value);
  }

  skipIf(type: TokenType, value?: string): boolean {
    const found = this.is(type, value);
    if (found) this.index++;
    return found;
  }

  /** Parses, and reports which of the given names occur. */
  noting<T>(names: readonly string[], parse: () => T): { parsed: T; found: ReadonlySet<string> } {
    const from = this.index;
    const parsed = parse();
    const passed = this.tokens.slice(from, this.index);
    return {
      parsed,
      found: new Set(
        passed.filter(({ type, value }) => type === 'name' && names.includes(value)).map(({ value }) => value),
      ),
    };
  }

  isOperator(...operators: string[]): boolean {
    return this.current.type === 'operator' && operators.includes(this.current.value);
  }

  isName(...names: string[]): boolean {
    return this.current.type === 'name' && names.includes(this.current.value);
  }

  expect(type: TokenType, value?: string): Token {
    if (this.is(type, value)) return this.next();
    throw this.unexpected(value === undefined ? nameOf(type) : JSON.stringify(value));
  }

  unexpected(expected: string): TemplateFault {
    return new TemplateFault(`expected ${expected}, found ${describe(this.current)}`, this.current.at);
  }

  /** Parses something that may be nested. */
  nested<T>(parse: () => T): T {
    if (++this.nesting > MAX_NESTING) {
      throw new TemplateFault(`this is nested more than ${MAX_NESTING} levels deep`, this.current.at);
    }
    const parsed = parse();
    this.nesting--;
    return parsed;
  }
}

function describe({ type, value }: Token): string {
  switch (type) {
    case 'end':
      return 'the end of the template';
    case 'string':
      return `the string ${JSON.stringify(value.slice(0, 40))}`;
    case 'name':
    case 'integer':
    case 'float':
    case 'operator':
      return JSON.stringify(value.slice(0, 40));
    default:
      return nameOf(type);
  }
}

function nameOf(type: TokenType): string {
  switch (type) {
    case 'variable_begin':
      return '"{{"';
    case 'variable_end':
      return '"}}"';
    case 'block_begin':
      return '"{%"';
    case 'block_end':
      return '"%}"';
    case 'data':
      return 'text';
    case 'name':
      return 'a name';
    case 'string':
      return 'a string';
    case 'integer':
    case 'float':
      return 'a number';
    case 'operator':
      return 'an operator';
    case 'end':
      return 'the end of the template';
  }
}
