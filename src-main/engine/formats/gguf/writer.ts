import type { NumberArray } from './metadata.ts';
import { StringArray } from './string-array.ts';

/** A metadata value with the type it is written as. Numbers must name theirs. */
export type TypedValue =
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'uint32' | 'int32' | 'float32' | 'uint64'; value: number }
  | { type: 'array'; value: StringArray | NumberArray | readonly string[] }
  /** A value copied from another file of version 2 or 3, with its type id. */
  | { type: 'raw'; value: Uint8Array };

/** One tensor of a file to be written, in file order. */
export interface TensorPlan {
  name: string;
  /** Outermost dimension first. */
  shape: readonly number[];
  typeId: number;
  bytes: number;
}

const ALIGNMENT = 32;
const SCALAR_IDS = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const;

/** Offsets of the tensors' data. */
export interface GgufLayout {
  /** Header, key values, tensor list and padding: the start of the file. */
  readonly header: Uint8Array;
  /** Absolute byte offset per tensor, in the order of the plan. Gaps between tensors are zeros. */
  readonly offsets: readonly number[];
  readonly fileBytes: number;
}

/** Lays out a GGUF version 3 file. */
export function layOutGguf(metadata: ReadonlyMap<string, TypedValue>, tensors: readonly TensorPlan[]): GgufLayout {
  const out = new ByteWriter();
  out.utf8('GGUF');
  out.u32(3);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    writeValue(out, value);
  }
  const relative: number[] = [];
  let end = 0;
  for (const tensor of tensors) {
    relative.push(align(end));
    end = align(end) + tensor.bytes;
    out.string(tensor.name);
    out.u32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) out.u64(size);
    out.u32(tensor.typeId);
    out.u64(relative[relative.length - 1]);
  }
  const start = align(out.length);
  return {
    header: out.finish(start),
    offsets: relative.map((offset) => start + offset),
    fileBytes: start + end,
  };
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function writeValue(out: ByteWriter, typed: TypedValue): void {
  if (typed.type === 'raw') return out.bytes(typed.value);
  out.u32(SCALAR_IDS[typed.type]);
  switch (typed.type) {
    case 'string':
      return out.string(typed.value);
    case 'bool':
      return out.bytes(Uint8Array.of(typed.value ? 1 : 0));
    case 'float32':
      return out.bytes(new Uint8Array(Float32Array.of(typed.value).buffer));
    case 'uint64':
      return out.u64(typed.value);
    case 'array':
      return writeArray(out, typed.value);
    default:
      return out.u32(typed.value >>> 0);
  }
}

function writeArray(out: ByteWriter, values: StringArray | NumberArray | readonly string[]): void {
  if (values instanceof StringArray || Array.isArray(values)) {
    out.u32(SCALAR_IDS.string);
    out.u64(values.length);
    if (values instanceof StringArray) for (let i = 0; i < values.length; i++) out.prefixed(values.bytes(i));
    else for (const value of values as readonly string[]) out.string(value);
    return;
  }
  const numbers = values as NumberArray;
  out.u32(arrayTypeId(numbers));
  out.u64(numbers.length);
  out.bytes(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
}

function arrayTypeId(values: NumberArray): number {
  const classes = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array];
  const index = classes.findIndex((type) => values instanceof type);
  if (index >= 0) return index;
  return values instanceof BigUint64Array ? 10 : values instanceof BigInt64Array ? 11 : 12;
}

class ByteWriter {
  private buffer = new Uint8Array(1 << 16);
  private readonly encoder = new TextEncoder();
  length = 0;

  bytes(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.buffer.length) {
      const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.length + bytes.length));
      grown.set(this.buffer);
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }
  u32(value: number): void {
    this.bytes(new Uint8Array(Uint32Array.of(value).buffer));
  }
  u64(value: number): void {
    this.bytes(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }
  utf8(text: string): void {
    this.bytes(this.encoder.encode(text));
  }
  prefixed(bytes: Uint8Array): void {
    this.u64(bytes.length);
    this.bytes(bytes);
  }
  string(text: string): void {
    this.prefixed(this.encoder.encode(text));
  }
  /** The bytes written, padded with zeros to `length`. */
  finish(length: number): Uint8Array {
    const out = new Uint8Array(length);
    out.set(this.buffer.subarray(0, this.length));
    return out;
  }
}
