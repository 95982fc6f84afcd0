import { EngineError } from '../../api/errors.ts';
import { quote } from '../../formats/json/strict-json.ts';
import { BufferPool } from '../../formats/buffer-pool.ts';
import type { SafetensorsFolder } from '../../formats/safetensors/safetensors-folder.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { ReadRowsOptions, WeightDeclaration, WeightReader } from '../../program/weights.ts';
import { type BlockType, rowBytes } from '../../quant/block-type.ts';
import { F32 } from '../../quant/f32.ts';
import { elementCount, formatShape, type Shape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { interleave, plusOne, transposeRows, wordsOf } from './layouts.ts';
import { type HfLayout, type HfTensor, hfTensor, isHfBuffer } from './tensor-names.ts';
import type { DescribedModel } from '../architectures/architecture.ts';
import type { ReadWeightOptions, WeightSource } from '../weight-source.ts';

/**
 * Bytes read at a time: small enough for smooth progress, prompt cancelling, and no second copy of the file in memory.
 */
const SLICE_BYTES = 2 * 2 ** 20;

/** A stored tensor, its layout, and its shape in the file. */
interface Found {
  readonly source: string;
  readonly layout: HfLayout;
  readonly type: BlockType;
  /** A vector is one row. */
  readonly rows: number;
  readonly bytesPerRow: number;
}

/** The weights of a Hugging Face folder under GGUF's names, converted to GGUF's layouts as they are read. */
export class HfWeights implements WeightSource, WeightReader {
  readonly stored = this;
  private readonly buffers = new BufferPool();

  /** @param sliceBytes read at a time, rounded to whole rows and heads */
  constructor(
    private readonly folder: SafetensorsFolder,
    private readonly model: DescribedModel,
    private readonly sliceBytes = SLICE_BYTES,
  ) {}

  check(name: string, shape: Shape): void {
    this.find({ name, shape });
  }

  async readTensor(name: string, { shape, ...options }: ReadWeightOptions): Promise<Tensor> {
    const weight = { name, shape };
    const elements = elementCount(shape);
    const { source } = this.find(weight);
    const data = this.folder.allocate(source, 4 * elements, () => new Float32Array(elements));
    const type = this.typeOf(weight);
    const width = elementCount(shape.slice(1));
    await this.readRows(weight, {
      ...options,
      onRows: (bytes, row) => type.dequantize(bytes, 0, data, row * width, bytes.length / type.blockBytes),
    });
    return new Tensor(shape, data);
  }

  typeOf(weight: WeightDeclaration): BlockType {
    const { type, layout } = this.find(weight);
    return layout.change === 'plus-one' ? F32 : type;
  }

  async readRows(weight: WeightDeclaration, options: ReadRowsOptions): Promise<void> {
    const { onRows } = options;
    const found = this.find(weight);
    const { layout, type, bytesPerRow } = found;
    switch (layout.change) {
      case 'none':
        return this.readSlices(found, 1, options, onRows);
      case 'plus-one':
        return this.readSlices(found, 1, options, (bytes, row, count) => onRows(plusOne(bytes, type), row, count));
      case 'transpose':
        return this.readTransposed(found, options);
      case 'interleave': {
        const headDim = weight.shape[0] / layout.heads;
        // A head is converted as a whole. A vector's single row contains all heads.
        const [group, unit] = weight.shape.length > 1 ? [headDim, bytesPerRow] : [1, type.blockBytes];
        return this.readSlices(found, group, options, async (bytes, row, count) => {
          const target = this.takeBuffer(found, bytes.length);
          interleave(bytes, target, unit, headDim);
          await onRows(target, row, count);
          this.buffers.give(target);
        });
      }
    }
  }

  /**
   * Requires that every weight of the folder is used. A leftover means that the configuration does not describe this
   * model, so its output would be wrong.
   * @param declared the program's weights
   * @throws EngineError MODEL_FORMAT
   */
  checkAllUsed(declared: Iterable<WeightDeclaration>): void {
    const used = new Set<string>();
    for (const weight of declared) used.add(this.locate(weight).source);
    for (const name of this.folder.tensors.keys()) {
      if (used.has(name) || isHfBuffer(name)) continue;
      throw this.folder.error(
        `tensor ${quote(name)} does not belong to the ${this.model.architecture.name} model in the config`,
        name,
      );
    }
  }

  /** @throws EngineError as `check` */
  private find(weight: WeightDeclaration): Found {
    const { source, layout, shape } = this.locate(weight);
    const { type } = this.folder.check(source, shape);
    const [rows, width] = shape.length > 1 ? [shape[0], elementCount(shape.slice(1))] : [1, elementCount(shape)];
    return { source, layout, type, rows, bytesPerRow: rowBytes(type, width) };
  }

  /**
   * Name, layout and shape in the folder.
   * @throws EngineError MODEL_FORMAT when the folder has no such tensor
   */
  private locate({ name, shape }: WeightDeclaration): { source: string; layout: HfLayout; shape: Shape } {
    const found: HfTensor = hfTensor(name, this.model) ?? { names: [name], layout: { change: 'none' } };
    const stored = found.layout.change === 'transpose' ? [...shape].reverse() : shape;
    const source = found.names.find((candidate) => this.folder.tensors.has(candidate));
    if (source !== undefined) return { source, layout: found.layout, shape: stored };
    const [first] = found.names;
    throw this.folder.error(`tensor "${first}" of shape ${formatShape(stored)} is missing`, first);
  }

  /**
   * Reads a stored tensor from its first to its last row.
   * @param group slices are a multiple of so many rows
   */
  private async readSlices(
    found: Found,
    group: number,
    { onBytes, cancel }: ReadRowsOptions,
    onSlice: ReadRowsOptions['onRows'],
  ): Promise<void> {
    const { source, rows, bytesPerRow } = found;
    const step = group * Math.max(1, Math.floor(this.sliceBytes / (group * bytesPerRow)));
    for (let row = 0; row < rows; row += step) {
      checkCancel(cancel);
      const count = Math.min(step, rows - row);
      const length = count * bytesPerRow;
      const buffer = this.takeBuffer(found, length);
      try {
        await onSlice(await this.folder.readBytes(source, row * bytesPerRow, length, buffer), row, count);
      } finally {
        this.buffers.give(buffer);
      }
      onBytes?.(length);
    }
  }

  /**
   * Each output row takes a value from every stored row, so the whole tensor is read before the first row is passed on.
   */
  private async readTransposed(found: Found, options: ReadRowsOptions): Promise<void> {
    const { source, type, rows, bytesPerRow } = found;
    const columns = bytesPerRow / type.blockBytes;
    const bytes = rows * bytesPerRow;
    const words = this.folder.allocate(source, bytes, () => wordsOf(type.blockBytes, rows * columns));
    await this.readSlices(found, 1, options, (slice, row) => transposeRows(slice, words, rows, row));
    const bytesPerColumn = rows * type.blockBytes;
    const step = Math.max(1, Math.floor(this.sliceBytes / bytesPerColumn));
    for (let column = 0; column < columns; column += step) {
      checkCancel(options.cancel);
      const count = Math.min(step, columns - column);
      const slice = new Uint8Array(words.buffer, column * bytesPerColumn, count * bytesPerColumn);
      await options.onRows(slice, column, count);
    }
  }

  private takeBuffer({ source }: Found, bytes: number): Uint8Array<ArrayBuffer> {
    return this.folder.allocate(source, bytes, () => this.buffers.take(bytes));
  }
}

function checkCancel(cancel: CancelToken | undefined): void {
  if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
}
