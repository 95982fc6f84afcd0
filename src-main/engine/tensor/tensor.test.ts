import { describe, expect, it } from 'vitest';
import { elementCount, formatShape, sameShape } from './shape.ts';
import { Tensor } from './tensor.ts';

describe('a tensor', () => {
  it('requires as many elements as its shape has', () => {
    expect(() => new Tensor([2, 3], new Float32Array(5))).toThrow('A tensor of shape [2, 3] has 6 elements, not 5.');
    expect(Tensor.zeros([2, 3])).toMatchObject({ shape: [2, 3], bytes: 24 });
  });

  it('returns rows of its first axis as a view', () => {
    const tensor = new Tensor([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
    const rows = tensor.rows(1, 2);
    expect(rows).toMatchObject({ shape: [2, 2], data: Float32Array.of(3, 4, 5, 6) });
    tensor.data[2] = 30;
    expect(rows.data[0]).toBe(30);
    expect(rows.rows(1, 1).data).toEqual(Float32Array.of(5, 6));
    expect(new Tensor([3], Float32Array.of(1, 2, 3)).rows(1, 1).data).toEqual(Float32Array.of(2));
  });

  it('refuses rows out of range', () => {
    expect(() => Tensor.zeros([3, 2]).rows(2, 2)).toThrow('Rows 2..4 are outside shape [3, 2].');
    expect(() => Tensor.zeros([3, 2]).rows(-1, 2)).toThrow(RangeError);
    expect(() => Tensor.zeros([]).rows(0, 1)).toThrow(RangeError);
  });
});

describe('a shape', () => {
  it('counts elements, compares shapes and formats them', () => {
    expect([elementCount([]), elementCount([4]), elementCount([4, 0, 5])]).toEqual([1, 4, 0]);
    expect([sameShape([2, 3], [2, 3]), sameShape([2, 3], [3, 2]), sameShape([2], [2, 1])]).toEqual([
      true,
      false,
      false,
    ]);
    expect(formatShape([384, 128])).toBe('[384, 128]');
  });
});
