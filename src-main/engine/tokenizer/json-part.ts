import { EngineError } from '../errors.ts';
import { literalPattern, regexPattern, type Pattern } from './regex/pattern.ts';
import { RegexError } from './regex/syntax.ts';

/**
 * A value inside a tokenizer file that knows where it stands, so that every complaint names the file and the path, for
 * example `pre_tokenizer.type`.
 */
export class JsonPart {
  constructor(
    private readonly value: unknown,
    private readonly file: string,
    private readonly path = '',
  ) {}

  /** MODEL_FORMAT: the file is damaged here. */
  malformed(problem: string): EngineError {
    const where = this.path === '' ? 'the file' : this.path;
    return new EngineError(
      'MODEL_FORMAT',
      `${this.file} is damaged: ${where} ${problem}. Get a fresh copy of the file.`,
      {
        file: this.file,
        path: this.path,
      },
    );
  }

  /** UNSUPPORTED_TOKENIZER: the file is fine, but this engine does not know the part. */
  unsupported(what: string): EngineError {
    return new EngineError(
      'UNSUPPORTED_TOKENIZER',
      `${this.file} uses ${this.path} ${what}, which Tokenscope cannot do yet. Choose another model.`,
      { file: this.file, path: this.path },
    );
  }

  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** Absent, null, false, 0 or an empty text. */
  get isOff(): boolean {
    return !this.value;
  }

  get(key: string): JsonPart {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.malformed('must be an object');
    }
    const value: unknown = Object.hasOwn(this.value, key) ? (this.value as Record<string, unknown>)[key] : undefined;
    return new JsonPart(value, this.file, this.path === '' ? key : `${this.path}.${key}`);
  }

  entries(): [key: string, part: JsonPart][] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.malformed('must be an object');
    }
    return Object.keys(this.value).map((key) => [key, this.get(key)]);
  }

  items(): JsonPart[] {
    if (!Array.isArray(this.value)) throw this.malformed('must be a list');
    return this.value.map((item: unknown, i) => new JsonPart(item, this.file, `${this.path}[${i}]`));
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.malformed('must be a text');
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.malformed('must be true or false');
    return this.value;
  }

  /** A whole number from 0 to `max`. */
  count(max: number): number {
    if (typeof this.value !== 'number' || !Number.isInteger(this.value) || this.value < 0 || this.value > max) {
      throw this.malformed(`must be a whole number from 0 to ${max}`);
    }
    return this.value;
  }

  /** The choice this value makes among the names of `choices`. */
  choose<T>(choices: Readonly<Record<string, T>>): T {
    const name = this.string();
    if (!Object.hasOwn(choices, name)) throw this.unsupported(`"${name}"`);
    return choices[name]!;
  }

  /** `{ "String": ... }` or `{ "Regex": ... }`. */
  pattern(): Pattern {
    const [entry, ...rest] = this.entries();
    if (!entry || rest.length > 0) throw this.malformed('must be {"String": ...} or {"Regex": ...}');
    const [kind, part] = entry;
    const source = part.string();
    if (kind === 'String') return literalPattern(source);
    if (kind !== 'Regex') throw part.unsupported(`"${kind}"`);
    try {
      return regexPattern(source);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      const quoted = source.length > 100 ? `${source.slice(0, 100)}…` : source;
      if (error.unsupported) throw part.unsupported(`"${quoted}" (${error.message})`);
      throw part.malformed(`is not a regular expression: ${error.message} of "${quoted}"`);
    }
  }
}
