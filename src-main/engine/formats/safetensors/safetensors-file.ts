import { EngineError } from '../../api/errors.ts';
import type { ByteSource, CancelToken } from '../../api/platform.ts';
import { BF16 } from '../../quant/bf16.ts';
import type { BlockType } from '../../quant/block-type.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { elementCount, formatShape, sameShape, type Shape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { readExactly } from '../read-exactly.ts';
import { formatError, parseHeader, type SafetensorsHeader, type TensorInfo } from './header.ts';
import { quote } from '../json/strict-json.ts';

/** Supported dtypes. Both formats are little-endian, so the bytes are the same. */
const TYPE_OF_DTYPE: Partial<Record<Dtype, BlockType>> = { F32, F16, BF16 };

/** Little-endian 64-bit length of the JSON header. */
const PREFIX_BYTES = 8;
/** Real headers take about 100 bytes per tensor, so this is enough for 160,000 tensors. */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;
/** Bytes read at a time: small enough for smooth progress and prompt cancelling. */
const CHUNK_BYTES = 4 * 2 ** 20;

export interface ReadTensorOptions {
  /** The shape that the model needs; any when left out. */
  readonly shape?: Shape;
  /** Called with the bytes of each chunk read. */
  readonly onBytes?: (bytes: number) => void;
  readonly cancel?: CancelToken | undefined;
}

/** A tensor of a supported dtype. */
export interface ReadableTensor extends TensorInfo {
  /** The storage type of its bytes. */
  readonly type: BlockType;
}

/** A safetensors file. The header is in memory; tensors are read on demand. */
export class SafetensorsFile {
  private constructor(
    private readonly source: ByteSource,
    private readonly header: SafetensorsHeader,
    /** File offset of the data section. */
    private readonly dataStart: number,
  ) {}

  /**
   * Reads and checks the header, but no tensor data.
   * @throws EngineError MODEL_FORMAT when the header contradicts itself or the file's size; MODEL_IO when reading fails
   */
  static async open(source: ByteSource): Promise<SafetensorsFile> {
    const { name, size } = source;
    if (size < PREFIX_BYTES) throw formatError(name, `the file has ${size} bytes, too few for a safetensors header`);
    const prefix = await readExactly(source, 0, PREFIX_BYTES);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    if (headerBytes > size - PREFIX_BYTES) {
      const problem = `the header says it has ${headerBytes} bytes, but the file has only ${size}`;
      throw formatError(name, problem, { headerBytes, fileBytes: size });
    }
    if (headerBytes > MAX_HEADER_BYTES) {
      const problem = `the header has ${headerBytes} bytes; the limit is ${MAX_HEADER_BYTES}`;
      throw formatError(name, problem, { headerBytes, limit: MAX_HEADER_BYTES });
    }
    const text = decodeUtf8(await readExactly(source, PREFIX_BYTES, headerBytes), name);
    const dataStart = PREFIX_BYTES + headerBytes;
    return new SafetensorsFile(source, parseHeader(text, size - dataStart, name), dataStart);
  }

  get tensors(): ReadonlyMap<string, TensorInfo> {
    return this.header.tensors;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata;
  }

  /**
   * Finds a tensor and checks its shape and dtype without reading it.
   * @throws EngineError MODEL_FORMAT when it is missing or has another shape; UNSUPPORTED_TENSOR_TYPE for an unsupported
   *   dtype
   */
  check(name: string, shape?: Shape): ReadableTensor {
    const file = this.source.name;
    const info = this.header.tensors.get(name);
    if (!info) {
      const wanted = shape ? `${quote(name)} of shape ${formatShape(shape)}` : quote(name);
      throw formatError(file, `tensor ${wanted} is missing`, { tensor: name });
    }
    if (shape && !sameShape(info.shape, shape)) {
      const [expected, found] = [formatShape(shape), formatShape(info.shape)];
      const problem = `tensor ${quote(name)} has shape ${found}, but the model needs ${expected}`;
      throw formatError(file, problem, { tensor: name, expected, found });
    }
    const type = TYPE_OF_DTYPE[info.dtype];
    if (!type) {
      const supported = Object.keys(TYPE_OF_DTYPE).join(', ');
      throw new EngineError(
        'UNSUPPORTED_TENSOR_TYPE',
        `${file}: tensor ${quote(name)} has the dtype ${info.dtype}. Supported: ${supported}.`,
        { file, tensor: name, dtype: info.dtype },
      );
    }
    return { ...info, type };
  }

  /**
   * Reads one tensor as float32.
   * @throws EngineError as `check`, and MODEL_IO, OUT_OF_MEMORY, CANCELLED.
   */
  async readTensor(name: string, options: ReadTensorOptions = {}): Promise<Tensor> {
    const { type, shape, begin, end } = this.check(name, options.shape);
    const elements = elementCount(shape);
    const data = this.allocate(name, 4 * elements, () => new Float32Array(elements));
    for (let at = 0; at < end - begin; at += CHUNK_BYTES) {
      if (options.cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
      const bytes = await this.readBytes(name, at, Math.min(CHUNK_BYTES, end - begin - at));
      type.dequantize(bytes, 0, data, at / type.blockBytes, bytes.length / type.blockBytes);
      options.onBytes?.(bytes.length);
    }
    return new Tensor(shape, data);
  }

  /**
   * Reads `length` stored bytes of a tensor, starting at its byte `from`.
   * @param buffer reused for the bytes, if given
   * @throws EngineError as `check`, and MODEL_IO; RangeError for bytes outside the tensor
   */
  async readBytes(name: string, from: number, length: number, buffer?: Uint8Array): Promise<Uint8Array> {
    const { begin, end } = this.check(name);
    if (from < 0 || length < 0 || begin + from + length > end) {
      throw new RangeError(`Bytes ${from} to ${from + length} are outside tensor ${name} of ${end - begin} bytes.`);
    }
    return readExactly(this.source, this.dataStart + begin + from, length, buffer);
  }

  /**
   * Allocates an array for a tensor's values.
   * @param bytes its size
   * @throws EngineError OUT_OF_MEMORY
   */
  allocate<A extends ArrayBufferView>(tensor: string, bytes: number, make: () => A): A {
    try {
      return make();
    } catch (cause) {
      const file = this.source.name;
      const message = `${file}: out of memory for tensor ${quote(tensor)}, which needs ${bytes} bytes. Close other apps, or choose a smaller model.`;
      throw new EngineError('OUT_OF_MEMORY', message, { file, tensor, bytes }, { cause });
    }
  }
}

function decodeUtf8(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const message = `${fileName}: the safetensors header is not valid UTF-8. The file is damaged or in another format.`;
    throw new EngineError('MODEL_FORMAT', message, { file: fileName }, { cause });
  }
}
