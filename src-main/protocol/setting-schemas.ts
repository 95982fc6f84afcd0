/** Schemas of the engine's settings, derived from their tables: strict for received settings, lenient for stored ones. */
import * as v from 'valibot';
import {
  inRange,
  isWellFormed,
  rangeText,
  type GrammarSource,
  type NumberRange,
  type Setting,
  type SettingTable,
  type ValuesOf,
} from '../engine/settings/setting.ts';

/** Token ids of any vocabulary. */
export const MAX_TOKEN_ID = 2 ** 31 - 1;

type SchemasOf<T extends SettingTable> = { readonly [K in keyof T]: v.GenericSchema<unknown, T[K]['default']> };

/** One schema per setting. */
export function schemasOf<T extends SettingTable>(table: T): SchemasOf<T> {
  const schemas = Object.entries(table).map(([key, row]) => [key, schemaFor(row)]);
  return Object.fromEntries(schemas) as SchemasOf<T>;
}

/** An object whose keys are all optional. */
export function partialOf<E extends v.ObjectEntries>(
  entries: E,
): v.GenericSchema<unknown, Partial<v.InferOutput<v.ObjectSchema<E, undefined>>>> {
  // The type of an object from `fromEntries` knows no keys.
  return v.object(optionalEntries(entries)) as never;
}

/** The same, which refuses other keys. */
export function strictPartialOf<T>(entries: { [K in keyof T]: v.GenericSchema<unknown, T[K]> }): v.GenericSchema<
  unknown,
  Partial<T>
> {
  // As in `partialOf`.
  return v.strictObject(optionalEntries(entries)) as never;
}

function optionalEntries(entries: Readonly<Record<string, v.GenericSchema>>): v.ObjectEntries {
  return Object.fromEntries(Object.entries(entries).map(([key, schema]) => [key, v.exactOptional(schema)]));
}

function schemaFor(row: Setting): v.GenericSchema {
  switch (row.kind) {
    case 'number':
      return row.default === null ? v.nullable(numberIn(row)) : numberIn(row);
    case 'choice':
      return v.picklist(row.values, `Expected ${row.allowed}`);
    case 'toggle':
      return v.boolean();
    case 'names':
      return listOf(v.picklist(row.values), row.maxCount);
    case 'texts':
      return listOf(textToFind(row.maxLength), row.maxCount);
    case 'token_biases':
      return listOf(v.tuple([numberIn({ min: 0, max: MAX_TOKEN_ID, integer: true }), bias(row.maxBias)]), row.maxCount);
    case 'text_biases':
      return listOf(v.tuple([textToFind(row.maxLength), bias(row.maxBias)]), row.maxCount);
    case 'grammar':
      return v.nullable(grammarSource(row.maxLength));
  }
}

export function numberIn(range: NumberRange): v.GenericSchema<unknown, number> {
  return v.custom<number>(
    (value) => typeof value === 'number' && inRange(range, value),
    ({ received }) => `Expected ${rangeText(range)} but received ${received}`,
  );
}

export function grammarSource(maxLength: number): v.GenericSchema<unknown, GrammarSource> {
  return v.object({ kind: v.picklist(['gbnf', 'json_schema']), source: v.pipe(v.string(), v.maxLength(maxLength)) });
}

const bias = (most: number) => numberIn({ min: -most, max: most, integer: false });

const listOf = (entry: v.GenericSchema, most: number) =>
  v.pipe(v.array(entry), v.maxLength(most, `Expected at most ${most} entries`));

const textToFind = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.minLength(1, 'Expected text that is not empty'),
    v.maxLength(maxLength, `Expected text of at most ${maxLength} characters`),
    v.check(isWellFormed, 'Expected well-formed Unicode text'),
  );

/**
 * Parses settings from a file, dropping invalid ones. A number out of its range is clamped, and invalid or repeated
 * texts of a list are dropped. Never fails.
 */
export function storedSettings<T extends SettingTable>(table: T, stored: unknown): Partial<ValuesOf<T>> {
  if (typeof stored !== 'object' || stored === null) return {};
  const fitting = Object.entries(table).flatMap(([key, row]) => {
    if (!Object.hasOwn(stored, key)) return [];
    const value = fitted(row, Reflect.get(stored, key));
    return v.is(schemaFor(row), value) ? [[key, value] as const] : [];
  });
  return Object.fromEntries(fitting) as Partial<ValuesOf<T>>;
}

function fitted(row: Setting, value: unknown): unknown {
  if (row.kind === 'number' && typeof value === 'number') return Math.min(row.max, Math.max(row.min, value));
  if (row.kind !== 'texts' || !Array.isArray(value)) return value;
  const text = textToFind(row.maxLength);
  // A repeated text has no further effect.
  return [...new Set<unknown>(value.filter((one) => v.is(text, one)))].slice(0, row.maxCount);
}
