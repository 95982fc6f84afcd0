import type { CancelToken } from '../api/platform.ts';
import type { BlockType } from '../quant/block-type.ts';
import { elementCount, formatShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The weights of one loaded model by their names in its file. */
export interface WeightStore {
  /** Bytes of all weights in memory. */
  readonly bytes: number;
  /** @throws EngineError INTERNAL for a name that the program did not declare. */
  get(name: string): Tensor;
}

/** Stored weights, for executors that keep them in a form other than float32. */
export interface WeightReader {
  /** The type of the blocks that `readRows` gives. */
  typeOf(weight: WeightDeclaration): BlockType;
  /**
   * Reads a tensor from its first to its last row, in slices of whole rows; a vector is one row. Concurrent reads are
   * allowed.
   * @throws EngineError MODEL_FORMAT, MODEL_IO, OUT_OF_MEMORY, CANCELLED
   */
  readRows(weight: WeightDeclaration, options: ReadRowsOptions): Promise<void>;
}

export interface ReadRowsOptions {
  /** Receives `rows` rows from `firstRow`. The bytes are valid until it is done, and no more rows are read before. */
  readonly onRows: (bytes: Uint8Array, firstRow: number, rows: number) => void | Promise<void>;
  /** Called with the size of each slice read from the file. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Checked between slices. */
  readonly cancel?: CancelToken | undefined;
}

/** A tensor that a program expects in the model's file. */
export interface WeightDeclaration {
  readonly name: string;
  readonly shape: Shape;
}

/** A weight, or a range of rows of its first axis (PyTorch stacks q, k and v in one tensor). */
export class WeightView implements WeightDeclaration {
  constructor(
    readonly name: string,
    readonly shape: Shape,
    readonly firstRow: number = 0,
  ) {}

  /** Rows `start` to `start + count`: `[count, ...rest]`. */
  rows(start: number, count: number): WeightView {
    const [length, ...rest] = this.shape;
    if (length === undefined || start < 0 || count < 1 || start + count > length) {
      const range = `${start}..${start + count}`;
      throw new RangeError(`Rows ${range} are outside ${this.name} ${formatShape(this.shape)}.`);
    }
    return new WeightView(this.name, [count, ...rest], this.firstRow + start);
  }

  /** The data in `store`. */
  resolve(store: WeightStore): Tensor {
    const [length] = this.shape;
    const whole = store.get(this.name);
    return length === undefined ? whole : whole.rows(this.firstRow, length);
  }
}

/** Bytes of the declared weights as float32. */
export function weightBytes(weights: readonly WeightDeclaration[]): number {
  return weights.reduce((bytes, { shape }) => bytes + 4 * elementCount(shape), 0);
}
