import { EngineError, type ErrorDetails } from '../../api/errors.ts';
import { type Dtype, DTYPE_BYTES, isDtype } from '../../tensor/dtype.ts';
import { elementCount, formatShape, type Shape } from '../../tensor/shape.ts';
import { parseStrictJson, quote, type StrictJson, type StrictJsonObject } from '../json/strict-json.ts';

/** Name, dtype and position of one tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Outermost axis first. */
  readonly shape: Shape;
  /** Byte range in the file's data section. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** `__metadata__`: free text by key. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Header object, tensor object, array of numbers. */
const MAX_DEPTH = 3;
/** More axes than any model's tensor has; keeps messages readable. */
const MAX_AXES = 8;

/**
 * Reads a safetensors header (the JSON part) and checks all of it before anything is allocated: known dtypes, shapes that
 * fit their byte ranges, and ranges that cover the data part exactly, without overlaps or gaps. Format:
 * https://huggingface.co/docs/safetensors
 *
 * @param dataBytes length of the file's data section.
 * @throws EngineError MODEL_FORMAT with the file, tensor and values.
 */
export function parseHeader(text: string, dataBytes: number, fileName: string): SafetensorsHeader {
  const root = parseStrictJson(text, { maxDepth: MAX_DEPTH }, `${fileName}: the safetensors header`);
  if (!(root instanceof Map)) throw formatError(fileName, 'the safetensors header is not a JSON object');
  const tensors = new Map<string, TensorInfo>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of root as StrictJsonObject) {
    if (name === '__metadata__') metadata = readMetadata(value, fileName);
    else tensors.set(name, readTensor(name, value, dataBytes, fileName));
  }
  checkCoverage([...tensors.values()], dataBytes, fileName);
  return { tensors, metadata };
}

function readMetadata(value: StrictJson, fileName: string): ReadonlyMap<string, string> {
  if (!(value instanceof Map)) throw formatError(fileName, '__metadata__ is not an object');
  for (const [key, text] of value as StrictJsonObject) {
    if (typeof text !== 'string') throw formatError(fileName, `__metadata__ ${quote(key)} is not a string`);
  }
  return value as ReadonlyMap<string, string>;
}

function readTensor(name: string, value: StrictJson, dataBytes: number, fileName: string): TensorInfo {
  const fail = (problem: string, details: ErrorDetails = {}) =>
    formatError(fileName, `tensor ${quote(name)} ${problem}`, { tensor: name, ...details });
  if (!(value instanceof Map)) throw fail('is not described by an object');
  const part = value as StrictJsonObject;

  const dtype = part.get('dtype');
  if (!isDtype(dtype)) {
    const known = Object.keys(DTYPE_BYTES).join(', ');
    throw fail(`has the dtype ${show(dtype)}; supported are ${known}`);
  }
  const shape = part.get('shape');
  if (!isCounts(shape)) throw fail(`has the shape ${show(shape)}, which is not a list of whole numbers >= 0`);
  if (shape.length > MAX_AXES) throw fail(`has ${shape.length} axes; at most ${MAX_AXES} are supported`);
  const offsets = part.get('data_offsets');
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw fail(`has the data_offsets ${show(offsets)}, which are not two whole numbers >= 0`);
  }

  const [begin, end] = offsets;
  if (end < begin) throw fail(`ends at byte ${end}, before it starts at ${begin}`, { begin, end });
  if (end > dataBytes) {
    throw fail(`ends at byte ${end} of the data, which has ${dataBytes}: the file is truncated or damaged`, {
      end,
      dataBytes,
    });
  }
  const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (!Number.isSafeInteger(bytes)) throw fail(`has the shape ${formatShape(shape)}, which is too large`);
  if (bytes !== end - begin) {
    throw fail(`of ${dtype} ${formatShape(shape)} takes ${bytes} bytes, but its data_offsets span ${end - begin}`, {
      bytes,
      span: end - begin,
    });
  }
  return { name, dtype, shape, begin, end };
}

/** Checks the format's own rule: every data byte belongs to exactly one tensor. */
function checkCoverage(tensors: TensorInfo[], dataBytes: number, fileName: string): void {
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  let before = 'the header';
  for (const { name, begin, end } of tensors) {
    if (begin !== covered) {
      const problem = begin < covered ? 'overlaps' : `leaves a gap of ${begin - covered} bytes after`;
      const message = `tensor ${quote(name)} starts at byte ${begin} of the data and ${problem} ${before}`;
      throw formatError(fileName, message, { tensor: name, begin, covered });
    }
    covered = end;
    before = `tensor ${quote(name)}, which ends at ${end}`;
  }
  if (covered !== dataBytes) {
    const message = `the data has ${dataBytes} bytes and its tensors end at ${covered}`;
    throw formatError(fileName, message, { dataBytes, covered });
  }
}

function isCounts(value: StrictJson | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

/** A value from the file, short enough for a message. */
function show(value: StrictJson | undefined): string {
  if (value === undefined) return '(missing)';
  const text = value instanceof Map ? 'an object' : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

export function formatError(fileName: string, problem: string, details: ErrorDetails = {}): EngineError {
  return new EngineError('MODEL_FORMAT', `${fileName}: ${problem}.`, { file: fileName, ...details });
}
