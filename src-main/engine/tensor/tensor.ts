import { elementCount, formatShape, type Shape } from './shape.ts';

/** A row-major float32 tensor. Rows of its first axis are contiguous, so a range of them is a view. */
export class Tensor {
  constructor(
    readonly shape: Shape,
    readonly data: Float32Array,
  ) {
    const expected = elementCount(shape);
    if (expected !== data.length) {
      throw new RangeError(`A tensor of shape ${formatShape(shape)} has ${expected} elements, not ${data.length}.`);
    }
  }

  static zeros(shape: Shape): Tensor {
    return new Tensor(shape, new Float32Array(elementCount(shape)));
  }

  /** Size of the elements in bytes. */
  get bytes(): number {
    return this.data.byteLength;
  }

  /** `count` entries of the first axis from `start`, as a view: `[count, ...rest]`. */
  rows(start: number, count: number): Tensor {
    const [length, ...rest] = this.shape;
    if (length === undefined || start < 0 || count < 0 || start + count > length) {
      throw new RangeError(`Rows ${start}..${start + count} are outside shape ${formatShape(this.shape)}.`);
    }
    const width = elementCount(rest);
    return new Tensor([count, ...rest], this.data.subarray(start * width, (start + count) * width));
  }
}
