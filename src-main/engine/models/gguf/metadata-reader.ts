import { EngineError } from '../../api/errors.ts';
import type { Metadata, MetadataValue } from '../../formats/gguf/metadata.ts';
import { StringArray } from '../../formats/gguf/string-array.ts';

/** What converters write for a special token that a vocabulary does not have: -1 as an unsigned number. */
const NO_TOKEN = 2 ** 32 - 1;

/** Reads metadata of a GGUF file by key. Errors say what is wrong with the value. */
export class MetadataReader {
  constructor(
    private readonly metadata: Metadata,
    readonly fileName: string,
  ) {}

  has(key: string): boolean {
    return this.metadata.has(key);
  }

  /** The raw value, of any type; undefined when the key is absent. */
  value(key: string): MetadataValue | undefined {
    return this.metadata.get(key);
  }

  /**
   * An integer from `min` to `max`. A list per layer is accepted if all its values are equal.
   * @param fallback for an absent key; without it, the key is required
   */
  integer(key: string, min: number, max: number, fallback?: number): number {
    const value = this.same(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw this.bad(key, value, `a whole number from ${min} to ${max}`);
    }
    return value as number;
  }

  /** A number above 0. @param fallback as in `integer` */
  positive(key: string, fallback?: number): number {
    const value = this.same(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'number' || !(value > 0) || value === Infinity) throw this.bad(key, value, 'a number above 0');
    return value;
  }

  /** A non-negative number, for keys whose 0 means off. */
  notNegative(key: string, fallback: number): number {
    return this.metadata.get(key) === 0 ? 0 : this.positive(key, fallback);
  }

  /**
   * A token id, or null when the key is absent. As in llama.cpp, an id outside the vocabulary counts as absent.
   * @param onWarning called when an id is ignored
   */
  optionalId(key: string, vocabularySize: number, onWarning: (message: string) => void): number | null {
    const value = this.same(key);
    if (value === undefined) return null;
    if (typeof value !== 'bigint' && !Number.isInteger(value)) throw this.bad(key, value, 'a whole number');
    if (typeof value === 'number' && value >= 0 && value < vocabularySize) return value;
    if (value === NO_TOKEN) return null;
    onWarning(`${this.fileName}: "${key}" is ${show(value)}, which is not the id of a token. It is ignored.`);
    return null;
  }

  optionalText(key: string): string | null {
    const value = this.metadata.get(key);
    if (value !== undefined && typeof value !== 'string') throw this.bad(key, value, 'a string');
    return value ?? null;
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.fail(key, undefined, 'a string');
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.metadata.get(key) ?? fallback;
    return typeof value === 'boolean' ? value : this.fail(key, value, 'true or false');
  }

  optionalStrings(key: string): StringArray | null {
    const value = this.metadata.get(key);
    if (value !== undefined && !(value instanceof StringArray)) throw this.bad(key, value, 'a list of strings');
    return value ?? null;
  }

  strings(key: string): StringArray {
    return this.optionalStrings(key) ?? this.fail(key, undefined, 'a list of strings');
  }

  /** Whether the key has a list of numbers instead of one number. */
  isList(key: string): boolean {
    return ArrayBuffer.isView(this.metadata.get(key));
  }

  /** A list of numbers with `length` entries, or null when the key is absent. */
  optionalNumbers(key: string, length: number): number[] | null {
    const list = this.optionalNumberList(key, length);
    return list && Array.from(list);
  }

  /** As `optionalNumbers`, without a copy, for lists as long as a vocabulary. */
  optionalNumberList(key: string, length: number): ArrayLike<number> | null {
    const value = this.metadata.get(key);
    if (value === undefined) return null;
    const list = ArrayBuffer.isView(value) ? asNumbers(value) : null;
    if (list?.length !== length) throw this.bad(key, value, `a list of ${length} numbers`);
    return list;
  }

  /** A list of bytes, signed or unsigned, or null when the key is absent. */
  optionalBytes(key: string): Uint8Array | null {
    const value = this.metadata.get(key);
    if (value === undefined || value instanceof Uint8Array) return value ?? null;
    if (value instanceof Int8Array) return new Uint8Array(value.buffer, value.byteOffset, value.length);
    throw this.bad(key, value, 'a list of bytes');
  }

  /** The error for a key whose value is not `expected`. */
  bad(key: string, value: unknown, expected: string): EngineError {
    const found = show(value);
    return new EngineError('MODEL_FORMAT', `${this.fileName}: "${key}" is ${found}; it must be ${expected}.`, {
      file: this.fileName,
      key,
      found,
      expected,
    });
  }

  private fail(key: string, value: unknown, expected: string): never {
    throw this.bad(key, value, expected);
  }

  /** The value, or the single value that a list repeats. */
  private same(key: string): MetadataValue | undefined {
    const value = this.metadata.get(key);
    if (!ArrayBuffer.isView(value)) return value;
    const list = Array.from(value, Number);
    const [first] = list;
    if (first === undefined) throw this.bad(key, value, 'a number');
    if (list.every((entry) => entry === first)) return first;
    throw new EngineError(
      'UNSUPPORTED_ARCHITECTURE',
      `${this.fileName}: "${key}" differs from layer to layer, which is not supported.`,
      { file: this.fileName, key },
    );
  }
}

/** The list itself, unless its values are bigints. */
function asNumbers(list: Extract<MetadataValue, ArrayBufferView>): ArrayLike<number> {
  return list instanceof BigInt64Array || list instanceof BigUint64Array ? Array.from(list, Number) : list;
}

/** Formats a value from the file for a message. */
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(value).slice(0, 100);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return `a list of ${(value as { length: number }).length}`;
}
