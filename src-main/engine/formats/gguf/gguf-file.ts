import type { ByteSource } from '../../api/platform.ts';
import type { BlockType } from '../../quant/block-type.ts';
import { rowBytes } from '../../quant/block-type.ts';
import { blockTypeById, blockTypeName } from '../../quant/registry.ts';
import { EngineError } from '../../api/errors.ts';
import { quote, shorten } from '../json/strict-json.ts';
import { formatError, HeaderReader } from './header-reader.ts';
import { type Metadata, type MetadataValue, readCount, readString, readValue } from './metadata.ts';

const MAGIC = 0x46554747; // "GGUF", little-endian
const MAGIC_SWAPPED = 0x47475546;
/** Far beyond real files (the largest have about 2,000 tensors and 60 keys), yet low enough to fail early. */
const MAX_TENSORS = 1 << 17;
const MAX_KEYS = 1 << 14;
/** ggml's GGML_MAX_DIMS. */
const MAX_DIMS = 4;

/** Name, type and position of one tensor. */
export interface GgufTensor {
  readonly name: string;
  /** Outermost dimension first, as in `[rows, columns]`; the file stores them in reverse. */
  readonly shape: readonly number[];
  readonly elements: number;
  readonly typeId: number;
  readonly typeName: string;
  /** Absolute byte offset in `source`. */
  readonly offset: number;
  /** Null for a type with an unknown layout. */
  readonly bytes: number | null;
  readonly source: ByteSource;
}

export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A parsed GGUF header. Tensor data stays in the file. */
export interface GgufFile {
  readonly source: ByteSource;
  readonly version: number;
  readonly metadata: Metadata;
  /** Byte range of each value with its type id, so that it can be copied unchanged. */
  readonly metadataRanges: ReadonlyMap<string, ByteRange>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Bytes of the header, key values and tensor list. */
  readonly headerBytes: number;
}

/**
 * Reads the header of a GGUF file, version 2 or 3 (ggml/docs/gguf.md). No byte is read twice, no tensor data is touched.
 * @throws EngineError MODEL_FORMAT for anything that a valid file cannot contain
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const reader = new HeaderReader(source);
  await reader.need(24, 'the fixed header');
  const magic = reader.u32();
  if (magic !== MAGIC) {
    const swapped = magic === MAGIC_SWAPPED;
    formatError(source, swapped ? 'it is big-endian' : 'it does not start with "GGUF"', { magic });
  }
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    // A big-endian version 3 reads as 3 << 24.
    const why = version === 3 << 24 ? 'it is big-endian' : `it has version ${version}; versions 2 and 3 are supported`;
    formatError(source, why, { version });
  }
  const tensorCount = readCount(reader, MAX_TENSORS, 'the number of tensors');
  const keyCount = readCount(reader, MAX_KEYS, 'the number of metadata entries');
  const { metadata, metadataRanges } = await readMetadata(reader, keyCount);
  const alignment = alignmentOf(source, metadata);
  const relative = await readTensorList(reader, tensorCount);
  const headerBytes = reader.offset;
  const dataStart = Math.ceil(headerBytes / alignment) * alignment;
  const tensors = placeTensors(source, relative, dataStart, alignment);
  return { source, version, metadata, metadataRanges, tensors, headerBytes };
}

async function readMetadata(
  reader: HeaderReader,
  count: number,
): Promise<{ metadata: Metadata; metadataRanges: ReadonlyMap<string, ByteRange> }> {
  const metadata = new Map<string, MetadataValue>();
  const metadataRanges = new Map<string, ByteRange>();
  for (let i = 0; i < count; i++) {
    const key = await readString(reader, `metadata key ${i}`);
    if (metadata.has(key)) formatError(reader.source, `the metadata key ${quote(key)} appears twice`);
    const { offset } = reader;
    metadata.set(key, await readValue(reader, key === '' ? `metadata entry ${i}` : shorten(key)));
    metadataRanges.set(key, { offset, bytes: reader.offset - offset });
  }
  return { metadata, metadataRanges };
}

function alignmentOf(source: ByteSource, metadata: Metadata): number {
  const value = metadata.get('general.alignment') ?? 32;
  if (typeof value !== 'number' || value < 1 || value > 1 << 20 || (value & (value - 1)) !== 0) {
    formatError(source, `general.alignment is ${String(value)}; it must be a power of two up to 1048576`);
  }
  return value;
}

interface RelativeTensor {
  name: string;
  shape: number[];
  elements: number;
  typeId: number;
  /** Relative to the start of the tensor data. */
  offset: number;
}

async function readTensorList(reader: HeaderReader, count: number): Promise<RelativeTensor[]> {
  const tensors: RelativeTensor[] = [];
  for (let i = 0; i < count; i++) {
    const name = await readString(reader, `the name of tensor ${i}`);
    await reader.need(4, quote(name));
    const dims = reader.u32();
    if (dims > MAX_DIMS) {
      formatError(reader.source, `tensor ${quote(name)} has ${dims} dimensions; at most 4 are supported`);
    }
    await reader.need(8 * dims + 12, quote(name));
    const shape: number[] = [];
    let elements = 1;
    for (let d = 0; d < dims; d++) {
      const size = readCount(reader, Number.MAX_SAFE_INTEGER, `dimension ${d} of tensor ${quote(name)}`);
      shape.unshift(size);
      elements *= size;
    }
    if (elements < 1 || elements > Number.MAX_SAFE_INTEGER) {
      formatError(reader.source, `tensor ${quote(name)} has the impossible shape [${shape.join(', ')}]`);
    }
    const typeId = reader.u32();
    const offset = readCount(reader, Number.MAX_SAFE_INTEGER, `the offset of tensor ${quote(name)}`);
    tensors.push({ name, shape, elements, typeId, offset });
  }
  return tensors;
}

/** Checks that every tensor is aligned, inside the file and does not overlap another. */
function placeTensors(
  source: ByteSource,
  relative: readonly RelativeTensor[],
  dataStart: number,
  alignment: number,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, elements, typeId, offset } of relative) {
    const quoted = quote(name);
    if (tensors.has(name)) formatError(source, `the tensor ${quoted} appears twice`);
    if (offset % alignment !== 0) {
      formatError(source, `tensor ${quoted} starts at offset ${offset}, which is not a multiple of ${alignment}`);
    }
    const type = blockTypeById(typeId);
    const columns = shape.at(-1) ?? 1;
    if (type && columns % type.blockSize !== 0) {
      formatError(
        source,
        `tensor ${quoted} has rows of ${columns} values, not a multiple of the block size ${type.blockSize} (${type.name})`,
      );
    }
    const bytes = type ? rowBytes(type, elements) : null;
    const start = dataStart + offset;
    if (start + (bytes ?? 0) > source.size) {
      formatError(
        source,
        `tensor ${quoted} ends at byte ${start + (bytes ?? 0)}, but the file has only ${source.size} bytes`,
        {
          tensor: name,
        },
      );
    }
    tensors.set(name, {
      name,
      shape,
      elements,
      typeId,
      typeName: blockTypeName(typeId),
      offset: start,
      bytes,
      source,
    });
  }
  checkOverlaps(source, [...tensors.values()]);
  return tensors;
}

function checkOverlaps(source: ByteSource, tensors: GgufTensor[]): void {
  tensors.sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < tensors.length; i++) {
    const [before, after] = [tensors[i - 1], tensors[i]];
    if (before.offset + (before.bytes ?? 1) > after.offset) {
      formatError(source, `the tensors ${quote(before.name)} and ${quote(after.name)} overlap`);
    }
  }
}

/**
 * The storage type of a tensor to be read.
 * @throws EngineError UNSUPPORTED_TENSOR_TYPE with the tensor's name and type
 */
export function blockTypeOf(tensor: GgufTensor): BlockType {
  const type = blockTypeById(tensor.typeId);
  if (type) return type;
  throw new EngineError(
    'UNSUPPORTED_TENSOR_TYPE',
    `${tensor.source.name}: tensor ${quote(tensor.name)} is stored as ${tensor.typeName}, which Tokenscope does not support. ` +
      `Choose a file with another quantisation, for example Q4_K_M or Q8_0.`,
    { file: tensor.source.name, tensor: tensor.name, type: tensor.typeName },
  );
}
