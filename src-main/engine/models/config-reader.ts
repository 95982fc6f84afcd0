import { EngineError } from '../errors.ts';

/** Reads the fields of a model's `config.json`, each with a message that says what is wrong with it. */
export class ConfigReader {
  private readonly fields: Readonly<Record<string, unknown>>;

  /** @throws EngineError MODEL_FORMAT when `json` is not an object. */
  constructor(
    json: unknown,
    readonly fileName: string,
  ) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new EngineError('MODEL_FORMAT', `${fileName}: the file is not a JSON object.`, { file: fileName });
    }
    this.fields = json as Record<string, unknown>;
  }

  /** A whole number from `min` to `max`. */
  integer(key: string, min: number, max: number): number {
    const value = this.field(key);
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw this.bad(key, value, `a whole number from ${min} to ${max}`);
    }
    return value as number;
  }

  positive(key: string): number {
    const value = this.field(key);
    if (typeof value !== 'number' || !(value > 0) || value === Infinity) throw this.bad(key, value, 'a number above 0');
    return value;
  }

  /** A list of different whole numbers from 0 to `max`. */
  integers(key: string, max: number): number[] {
    const value = this.field(key);
    const fits = (item: unknown) => Number.isInteger(item) && (item as number) >= 0 && (item as number) <= max;
    if (!Array.isArray(value) || !value.every(fits) || new Set(value).size !== value.length) {
      throw this.bad(key, value, `a list of different whole numbers from 0 to ${max}`);
    }
    return value as number[];
  }

  /** Insists on the one value that the architecture is built for. */
  exactly(key: string, expected: string | boolean): void {
    const value = this.field(key);
    if (value !== expected) throw this.bad(key, value, JSON.stringify(expected));
  }

  /** A text, or undefined when the key is absent. */
  optionalText(key: string): string | undefined {
    const value = Object.hasOwn(this.fields, key) ? this.fields[key] : undefined;
    if (value !== undefined && typeof value !== 'string') throw this.bad(key, value, 'a text');
    return value;
  }

  private field(key: string): unknown {
    return Object.hasOwn(this.fields, key) ? this.fields[key] : undefined;
  }

  /** The error for a field whose value is not `expected`. */
  bad(key: string, value: unknown, expected: string): EngineError {
    const found = show(value);
    return new EngineError('MODEL_FORMAT', `${this.fileName}: "${key}" is ${found}; it must be ${expected}.`, {
      file: this.fileName,
      key,
      found,
      expected,
    });
  }
}

/** A value from the file, short enough for a message. Nested values are not shown: they may be deeper than the stack. */
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.some((item) => typeof item === 'object' && item !== null)) return 'a nested value';
  return JSON.stringify(value).slice(0, 100);
}
