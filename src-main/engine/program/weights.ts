import type { CancelToken } from '../api/platform.ts';
import type { BlockType } from '../quant/block-type.ts';
import { elementCount, formatShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The weights of one loaded model by their names in its file. */
export interface WeightStore {
  /** Bytes of all weights in memory. */
  readonly bytes: number;
  /** @throws EngineError INTERNAL for a name the program did not declare. */
  get(name: string): Tensor;
}

/** Weights as they are stored, for executors that keep them in other forms than float32. */
export interface WeightReader {
  /** The type whose blocks `readRows` gives. */
  typeOf(weight: WeightDeclaration): BlockType;
  /**
   * Reads a tensor from its first row to its last, in slices of whole rows; a vector is one row. Tensors may be read at once.
   * @throws EngineError MODEL_FORMAT, MODEL_IO, OUT_OF_MEMORY, CANCELLED
   */
  readRows(weight: WeightDeclaration, options: ReadRowsOptions): Promise<void>;
}

export interface ReadRowsOptions {
  /** Takes `rows` rows from `firstRow`; the bytes are the receiver's until it returns. */
  readonly onRows: (bytes: Uint8Array, firstRow: number, rows: number) => void;
  /** Called with the bytes of each slice of the file that was read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Looked at between slices. */
  readonly cancel?: CancelToken | undefined;
}

/** A tensor that a program expects in the model's file. */
export interface WeightDeclaration {
  readonly name: string;
  readonly shape: Shape;
}

/** A weight, or a range of the rows of its first axis (PyTorch stacks q, k and v in one tensor). */
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
