import { EngineError } from '../api/errors.ts';
import { PackedPairs, PackedRecord } from './json/packed-parts.ts';
import { literalPattern, regexPattern, type Pattern } from './regex/pattern.ts';
import { RegexError } from './regex/syntax.ts';

/**
 * A value inside a tokenizer file with its path, so that every error names the file and the path, for example
 * `pre_tokenizer.type`.
 */
export class JsonPart {
  /** @param parent object or list that contains this value, under `key` */
  constructor(
    private readonly value: unknown,
    private readonly file: string,
    private readonly parent: JsonPart | null = null,
    private readonly key: string | number = '',
  ) {}

  /** `decoder.decoders[1]`; empty for the whole file. */
  private get path(): string {
    if (!this.parent) return '';
    const { path } = this.parent;
    if (typeof this.key === 'number') return `${path}[${this.key}]`;
    return path === '' ? this.key : `${path}.${this.key}`;
  }

  /** MODEL_FORMAT: the file is damaged here. */
  malformed(problem: string): EngineError {
    const where = this.path === '' ? 'the file' : this.path;
    return new EngineError(
      'MODEL_FORMAT',
      `${this.file} is damaged: ${where} ${problem}. Download or copy the file again.`,
      {
        file: this.file,
        path: this.path,
      },
    );
  }

  /** UNSUPPORTED_TOKENIZER: the file is valid, but the part is not supported. */
  unsupported(what: string): EngineError {
    return new EngineError(
      'UNSUPPORTED_TOKENIZER',
      `${this.file} uses ${this.path} ${what}, which Tokenscope does not support. Choose another model.`,
      { file: this.file, path: this.path },
    );
  }

  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }

  get isList(): boolean {
    return Array.isArray(this.value) || this.value instanceof PackedPairs;
  }

  /** The packed object; null when it was not packed. */
  get packedRecord(): PackedRecord | null {
    return this.value instanceof PackedRecord ? this.value : null;
  }

  /** The packed list; null when it was not packed. */
  get packedPairs(): PackedPairs | null {
    return this.value instanceof PackedPairs ? this.value : null;
  }

  get(key: string): JsonPart {
    const record = this.record();
    return new JsonPart(Object.hasOwn(record, key) ? record[key] : undefined, this.file, this, key);
  }

  entries(): [key: string, part: JsonPart][] {
    return Object.entries(this.record()).map(([key, value]) => [key, new JsonPart(value, this.file, this, key)]);
  }

  items(): JsonPart[] {
    return this.list().map((item, i) => new JsonPart(item, this.file, this, i));
  }

  /** The raw object, for parts with very many entries. */
  record(): Readonly<Record<string, unknown>> {
    if (this.value instanceof PackedRecord) return this.value.toRecord();
    if (typeof this.value !== 'object' || this.value === null || this.isList) {
      throw this.malformed('must be an object');
    }
    return this.value as Record<string, unknown>;
  }

  /** The raw list, for parts with very many items. */
  list(): readonly unknown[] {
    if (this.value instanceof PackedPairs) return this.value.toList();
    if (!Array.isArray(this.value)) throw this.malformed('must be a list');
    return this.value;
  }

  /** One item of a list, for errors about it. */
  item(index: number): JsonPart {
    return new JsonPart(this.list()[index], this.file, this, index);
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.malformed('must be a string');
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.malformed('must be true or false');
    return this.value;
  }

  /** False if absent. */
  flag(): boolean {
    return !this.isNull && this.boolean();
  }

  /** Any finite number. */
  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) throw this.malformed('must be a number');
    return this.value;
  }

  /** An integer from 0 to `max`. */
  count(max: number): number {
    if (typeof this.value !== 'number' || !Number.isInteger(this.value) || this.value < 0 || this.value > max) {
      throw this.malformed(`must be a whole number from 0 to ${max}`);
    }
    return this.value;
  }

  /** The value of `choices` that this name selects. */
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
