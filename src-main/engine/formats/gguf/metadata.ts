import { formatError, type HeaderReader, MAX_STRING_BYTES } from './header-reader.ts';
import { type StringArray, StringArrayBuilder } from './string-array.ts';

/** A numeric array of a GGUF header, in the typed array that holds it exactly; booleans as 0 and 1. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** Integers above 2^53 stay bigint. */
export type MetadataValue = number | bigint | boolean | string | StringArray | NumberArray;
export type Metadata = ReadonlyMap<string, MetadataValue>;

/** `enum gguf_metadata_value_type`: how to read one value, and the array that holds many. */
interface ValueType {
  readonly name: string;
  readonly bytes: number;
  read(reader: HeaderReader): number | bigint;
  array(length: number): NumberArray;
}

const TYPES: readonly (ValueType | null)[] = [
  { name: 'uint8', bytes: 1, read: (r) => r.u8(), array: (n) => new Uint8Array(n) },
  { name: 'int8', bytes: 1, read: (r) => r.i8(), array: (n) => new Int8Array(n) },
  { name: 'uint16', bytes: 2, read: (r) => r.u16(), array: (n) => new Uint16Array(n) },
  { name: 'int16', bytes: 2, read: (r) => r.i16(), array: (n) => new Int16Array(n) },
  { name: 'uint32', bytes: 4, read: (r) => r.u32(), array: (n) => new Uint32Array(n) },
  { name: 'int32', bytes: 4, read: (r) => r.i32(), array: (n) => new Int32Array(n) },
  { name: 'float32', bytes: 4, read: (r) => r.f32(), array: (n) => new Float32Array(n) },
  { name: 'bool', bytes: 1, read: (r) => r.u8(), array: (n) => new Uint8Array(n) },
  null, // string
  null, // array
  { name: 'uint64', bytes: 8, read: (r) => r.u64(), array: (n) => new BigUint64Array(n) },
  { name: 'int64', bytes: 8, read: (r) => r.i64(), array: (n) => new BigInt64Array(n) },
  { name: 'float64', bytes: 8, read: (r) => r.f64(), array: (n) => new Float64Array(n) },
];
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/**
 * A 64-bit count or length as a number.
 * @throws EngineError MODEL_FORMAT when it is larger than `limit`
 */
export function readCount(reader: HeaderReader, limit: number, what: string): number {
  const value = reader.u64();
  if (value > BigInt(limit)) {
    formatError(reader.source, `${what} is ${value}; at most ${limit} is allowed`, { offset: reader.offset - 8 });
  }
  return Number(value);
}

/** A length-prefixed UTF-8 string. */
export async function readString(reader: HeaderReader, what: string): Promise<string> {
  await reader.need(8, what);
  const length = readCount(reader, Math.min(MAX_STRING_BYTES, reader.remaining), `the length of ${what}`);
  await reader.need(length, what);
  return reader.utf8(length);
}

/** The metadata value that follows a key. */
export async function readValue(reader: HeaderReader, key: string): Promise<MetadataValue> {
  await reader.need(4, key);
  const type = reader.u32();
  if (type === STRING) return readString(reader, `the value of ${key}`);
  if (type === ARRAY) return readArray(reader, key);
  const scalar = TYPES[type] ?? formatError(reader.source, `${key} has the unknown value type ${type}`, { key });
  await reader.need(scalar.bytes, key);
  return narrow(type === BOOL, scalar.read(reader));
}

function narrow(isBool: boolean, value: number | bigint): MetadataValue {
  if (isBool) return value !== 0;
  if (typeof value === 'number') return value;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

async function readArray(reader: HeaderReader, key: string): Promise<StringArray | NumberArray> {
  await reader.need(12, key);
  const type = reader.u32();
  if (type === ARRAY) formatError(reader.source, `${key} is an array of arrays, which is not supported`, { key });
  if (type === STRING) return readStrings(reader, key);
  const element = TYPES[type] ?? formatError(reader.source, `${key} has the unknown value type ${type}`, { key });
  // The rest of the header must be able to hold that many elements.
  const length = readCount(reader, Math.floor(reader.remaining / element.bytes), `the length of ${key}`);
  const values = element.array(length);
  // In chunks, so that the reader's window stays small.
  for (let i = 0; i < length; i++) {
    if (i % 8192 === 0) await reader.need(element.bytes * Math.min(8192, length - i), key);
    values[i] = element.read(reader);
  }
  return values;
}

async function readStrings(reader: HeaderReader, key: string): Promise<StringArray> {
  const length = readCount(reader, Math.floor(reader.remaining / 8), `the length of ${key}`);
  const strings = new StringArrayBuilder();
  for (let i = 0; i < length; i++) {
    const header = reader.need(8, key);
    if (header) await header;
    const bytes = readCount(reader, Math.min(MAX_STRING_BYTES, reader.remaining), `the length of entry ${i} of ${key}`);
    const body = reader.need(bytes, key);
    if (body) await body;
    strings.push(reader.bytes(bytes));
  }
  return strings.build();
}
