import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowBytes } from './block-type.ts';
import { F16_TO_F32, toF16Bits } from './float16.ts';
import { BLOCK_TYPES, blockTypeById, blockTypeName } from './registry.ts';

/** Rows quantised and dequantised by ggml itself; see the fixture folder. */
interface Golden {
  ggml_type_id: number;
  block_size: number;
  type_size: number;
  n: number;
  bytes: string;
  values: string;
  random_bytes: string;
  random_values: string;
  source: string;
  rmse_vs_source: number;
}

const golden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`../fixtures/ggml-types/${name}.json`, import.meta.url), 'utf8')) as Golden;
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));
const bitsOf = (base64: string) => new Uint32Array(bytesOf(base64).buffer);
const floatsOf = (base64: string) => new Float32Array(bytesOf(base64).buffer);

const types = BLOCK_TYPES.filter((type) => type.name !== 'F32');

describe.each(types.map((type) => [type.name, type] as const))('%s', (name, type) => {
  const file = golden(name);

  it('has the layout of ggml', () => {
    expect([type.id, type.blockSize, type.blockBytes]).toEqual([file.ggml_type_id, file.block_size, file.type_size]);
  });

  it.each(['', 'random_'] as const)('dequantises the %srow bit for bit', (row) => {
    const bytes = bytesOf(file[`${row}bytes`]);
    // An odd offset in both arrays: nothing may depend on alignment.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const values = new Float32Array(file.n + 5);
    type.dequantize(shifted, 3, values, 5, file.n / type.blockSize);
    expect(new Uint32Array(values.buffer.slice(20))).toEqual(bitsOf(file[`${row}values`]));
  });

  if (type.quantize) {
    const quantized = () => {
      const source = floatsOf(file.source);
      const bytes = new Uint8Array(rowBytes(type, file.n));
      type.quantize?.(source, 0, bytes, 0, file.n / type.blockSize);
      return { source, bytes };
    };
    if (['F16', 'Q8_0', 'Q4_0', 'Q4_1'].includes(name)) {
      it('writes the bytes that ggml writes', () => expect(quantized().bytes).toEqual(bytesOf(file.bytes)));
    } else {
      it('has at most 2 % more error than ggml', () => {
        const { source, bytes } = quantized();
        const values = new Float32Array(file.n);
        type.dequantize(bytes, 0, values, 0, file.n / type.blockSize);
        const sum = values.reduce((total, value, i) => total + (value - source[i]) ** 2, 0);
        expect(Math.sqrt(sum / file.n)).toBeLessThanOrEqual(1.02 * file.rmse_vs_source);
      });
    }
    it('writes a row of zeros as zeros', () => {
      const bytes = new Uint8Array(type.blockBytes).fill(255);
      type.quantize?.(new Float32Array(type.blockSize), 0, bytes, 0, 1);
      const values = new Float32Array(type.blockSize).fill(1);
      type.dequantize(bytes, 0, values, 0, 1);
      expect(values.every((value) => value === 0)).toBe(true);
    });
  }
});

it('rounds every binary16 value to itself', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = F16_TO_F32[bits];
    if (Number.isNaN(value)) expect(Number.isNaN(F16_TO_F32[toF16Bits(value)])).toBe(true);
    else if (toF16Bits(value) !== bits) expect.fail(`pattern ${bits} became ${toF16Bits(value)}`);
  }
});

it('rounds halves between two binary16 values to even', () => {
  // 2049 is halfway between 2048 and 2050, 2051 between 2050 and 2052; 65520 is the first value that overflows.
  expect([2049, 2051, 65519, 65520].map((value) => F16_TO_F32[toF16Bits(value)])).toEqual([
    2048,
    2052,
    65504,
    Infinity,
  ]);
});

it('names types, including unsupported ones', () => {
  expect(blockTypeById(12)?.name).toBe('Q4_K');
  expect(blockTypeById(18)).toBeUndefined();
  expect([blockTypeName(18), blockTypeName(999)]).toEqual(['IQ3_XXS', 'type 999']);
});
