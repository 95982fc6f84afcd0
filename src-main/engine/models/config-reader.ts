import { EngineError } from '../api/errors.ts';

/** Reads the fields of a model's `config.json`. Errors say what is wrong with the field. */
export class ConfigReader {
  private readonly fields: Readonly<Record<string, unknown>>;

  /** @throws EngineError MODEL_FORMAT when `json` is not an object. */
  constructor(
    json: unknown,
    readonly fileName: string,
    /** Path of this object in the file, for example `rope_scaling.`; empty for the whole file. */
    private readonly path = '',
  ) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new EngineError('MODEL_FORMAT', `${fileName}: the file is not a JSON object.`, { file: fileName });
    }
    this.fields = json as Record<string, unknown>;
  }

  /** An integer from `min` to `max`. */
  integer(key: string, min: number, max: number): number {
    const value = this.field(key);
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw this.bad(key, value, `a whole number from ${min} to ${max}`);
    }
    return value as number;
  }

  /** An integer from 1 to `max`; `fallback` when the key is absent or null. */
  optionalInteger(key: string, max: number, fallback: number): number {
    return this.isSet(key) ? this.integer(key, 1, max) : fallback;
  }

  positive(key: string): number {
    const value = this.field(key);
    if (typeof value !== 'number' || !(value > 0) || value === Infinity) throw this.bad(key, value, 'a number above 0');
    return value;
  }

  /** A list of distinct integers from 0 to `max`. */
  integers(key: string, max: number): number[] {
    const value = this.field(key);
    const fits = (item: unknown) => Number.isInteger(item) && (item as number) >= 0 && (item as number) <= max;
    if (!Array.isArray(value) || !value.every(fits) || new Set(value).size !== value.length) {
      throw this.bad(key, value, `a list of different whole numbers from 0 to ${max}`);
    }
    return value as number[];
  }

  /** Requires the one value that the architecture supports. */
  exactly(key: string, expected: string | boolean): void {
    const value = this.field(key);
    if (value !== expected) throw this.bad(key, value, JSON.stringify(expected));
  }

  /** A text, or undefined when the key is absent. */
  optionalText(key: string): string | undefined {
    const value = Object.hasOwn(this.fields, key) ? this.fields[key] : undefined;
    if (value !== undefined && typeof value !== 'string') throw this.bad(key, value, 'a string');
    return value;
  }

  /** Whether the key is present, even if null. */
  has(key: string): boolean {
    return Object.hasOwn(this.fields, key);
  }

  /** Whether the key is present and not null. */
  isSet(key: string): boolean {
    return this.field(key) !== undefined && this.field(key) !== null;
  }

  number(key: string): number {
    const value = this.field(key);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.bad(key, value, 'a number');
    return value;
  }

  /** True or false; `fallback` when the key is absent or null. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.field(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.bad(key, value, 'true or false');
    return value;
  }

  /** A list of `length` numbers above 0. */
  positives(key: string, length: number): number[] {
    const value = this.field(key);
    const fits = (item: unknown) => typeof item === 'number' && item > 0 && item < Infinity;
    if (!Array.isArray(value) || value.length !== length || !value.every(fits)) {
      throw this.bad(key, value, `a list of ${length} numbers above 0`);
    }
    return value as number[];
  }

  /** A list of `length` values from `choices`. */
  choices<T extends string | number>(key: string, choices: readonly T[], length: number): T[] {
    const value = this.field(key);
    if (!Array.isArray(value) || value.length !== length || !value.every((item) => choices.includes(item as T))) {
      throw this.bad(key, value, `a list of ${length} values, each one of ${choices.join(', ')}`);
    }
    return value as T[];
  }

  /** An object inside this one; null when the key is absent or null. */
  object(key: string): ConfigReader | null {
    if (!this.isSet(key)) return null;
    const value = this.field(key);
    if (typeof value !== 'object' || Array.isArray(value)) throw this.bad(key, value, 'an object');
    return new ConfigReader(value, this.fileName, `${this.path}${key}.`);
  }

  /** The raw value, of any type. */
  field(key: string): unknown {
    return Object.hasOwn(this.fields, key) ? this.fields[key] : undefined;
  }

  /** The error for a field whose value is not `expected`. */
  bad(key: string, value: unknown, expected: string): EngineError {
    const found = show(value);
    return new EngineError(
      'MODEL_FORMAT',
      `${this.fileName}: "${this.path}${key}" is ${found}; it must be ${expected}.`,
      {
        file: this.fileName,
        key: this.path + key,
        found,
        expected,
      },
    );
  }
}

/**
 * Formats a value from the file for a message. Nested values are not shown: they may be nested deeper than the stack
 * allows.
 */
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.some((item) => typeof item === 'object' && item !== null)) return 'a nested value';
  return JSON.stringify(value).slice(0, 100);
}
