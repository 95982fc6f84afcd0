import { EngineError } from '../../api/errors.ts';
import { quote } from '../../formats/json/strict-json.ts';
import { blockTypeOf, type GgufTensor } from '../../formats/gguf/gguf-file.ts';
import { readExactly } from '../../formats/read-exactly.ts';
import { BufferPool } from '../../formats/buffer-pool.ts';
import type { ReadRowsOptions, WeightDeclaration, WeightReader } from '../../program/weights.ts';
import { type BlockType, rowBytes } from '../../quant/block-type.ts';
import { elementCount, formatShape, sameShape, type Shape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { ReadWeightOptions, WeightSource } from '../weight-source.ts';

/**
 * Bytes read at a time: small enough for smooth progress, prompt cancelling, and no second copy of the file in memory.
 */
const SLICE_BYTES = 2 * 2 ** 20;

/**
 * Tensors that are not weights of the text model: rotary factors, which are read with the header, a classifier, and the
 * encoders of images and audio that Ollama puts in the same file.
 */
const NOT_WEIGHTS = /^(?:rope_freqs|rope_factors_long|rope_factors_short|cls|v|mm|a)\./;

/** Weights of a GGUF file or its parts, dequantised as they are read, one tensor at a time. */
export class GgufWeights implements WeightSource, WeightReader {
  readonly stored = this;
  private readonly buffers = new BufferPool();

  /** @param fileName names the model in messages about missing tensors */
  constructor(
    private readonly tensors: ReadonlyMap<string, GgufTensor>,
    private readonly fileName: string,
  ) {}

  check(name: string, shape: Shape): void {
    blockTypeOf(this.find(name, shape));
  }

  /** llama.cpp refuses such files: the architecture may lack a part of this model, whose output would then be wrong. */
  unusedWarning(declared: readonly WeightDeclaration[]): string | null {
    const used = new Set(declared.map(({ name }) => name));
    const unused = [...this.tensors.keys()].filter((name) => !used.has(name) && !NOT_WEIGHTS.test(name));
    if (unused.length === 0) return null;
    const named = unused.slice(0, 3).map(quote).join(', ');
    const others = unused.length > 3 ? ` and ${unused.length - 3} more` : '';
    const problem = "tensors that the model's architecture does not have are ignored, so the output may be wrong";
    return `${this.fileName}: ${problem}: ${named}${others}.`;
  }

  async readTensor(name: string, { shape, onBytes, cancel }: ReadWeightOptions): Promise<Tensor> {
    const tensor = this.find(name, shape);
    const type = blockTypeOf(tensor);
    const data = this.allocate(name, elementCount(shape));
    const blocks = tensor.elements / type.blockSize;
    const sliceBlocks = Math.floor(SLICE_BYTES / type.blockBytes);
    for (let block = 0; block < blocks; block += sliceBlocks) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
      const count = Math.min(sliceBlocks, blocks - block);
      const offset = tensor.offset + block * type.blockBytes;
      await this.read(tensor, offset, count * type.blockBytes, (bytes) => {
        type.dequantize(bytes, 0, data, block * type.blockSize, count);
      });
      onBytes?.(count * type.blockBytes);
    }
    return new Tensor(shape, data);
  }

  typeOf({ name, shape }: WeightDeclaration): BlockType {
    return blockTypeOf(this.find(name, shape));
  }

  async readRows({ name, shape }: WeightDeclaration, { onRows, onBytes, cancel }: ReadRowsOptions): Promise<void> {
    const tensor = this.find(name, shape);
    const [rows, width] = shape.length > 1 ? [shape[0], elementCount(shape.slice(1))] : [1, shape[0]];
    const bytesPerRow = rowBytes(blockTypeOf(tensor), width);
    const step = Math.max(1, Math.floor(SLICE_BYTES / bytesPerRow));
    for (let row = 0; row < rows; row += step) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
      const count = Math.min(step, rows - row);
      const length = count * bytesPerRow;
      await this.read(tensor, tensor.offset + row * bytesPerRow, length, (bytes) => onRows(bytes, row, count));
      onBytes?.(length);
    }
  }

  private async read(
    { source }: GgufTensor,
    offset: number,
    length: number,
    use: (bytes: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    const buffer = this.buffers.take(length);
    try {
      await use(await readExactly(source, offset, length, buffer));
    } finally {
      this.buffers.give(buffer);
    }
  }

  private find(name: string, shape: Shape): GgufTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) {
      throw new EngineError(
        'MODEL_FORMAT',
        `${this.fileName}: tensor ${quote(name)} of shape ${formatShape(shape)} is missing.`,
        { file: this.fileName, tensor: name },
      );
    }
    if (!sameShape(tensor.shape, shape)) {
      const [expected, found] = [formatShape(shape), formatShape(tensor.shape)];
      throw new EngineError(
        'MODEL_FORMAT',
        `${tensor.source.name}: tensor ${quote(name)} has shape ${found}, but the model needs ${expected}.`,
        { file: tensor.source.name, tensor: name, expected, found },
      );
    }
    return tensor;
  }

  private allocate(name: string, elements: number): Float32Array {
    try {
      return new Float32Array(elements);
    } catch (cause) {
      const bytes = 4 * elements;
      const message = `${this.fileName}: out of memory for tensor ${quote(name)}, which needs ${bytes} bytes. Close other apps, or choose a smaller model.`;
      throw new EngineError('OUT_OF_MEMORY', message, { file: this.fileName, tensor: name, bytes }, { cause });
    }
  }
}
