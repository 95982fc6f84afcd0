/** How each type of a file is kept in memory: as the packed layout that is nearest and that kernels read. */
import { rowBytes, type BlockType } from '../../quant/block-type.ts';
import { readF16, writeF16 } from '../../quant/float16.ts';
import { minimumOf, scaleOf } from '../../quant/k-scales.ts';
import { Q8_0 } from '../../quant/q8_0.ts';
import type { KernelExports } from './kernels.ts';
import { LAYOUT_F16, LAYOUT_F32, LAYOUT_Q4, LAYOUT_Q4_MIN, LAYOUT_Q8 } from './plan-layout.ts';

export interface WeightLayout {
  /** For people: the type whose values it holds. */
  readonly name: string;
  /** `LAYOUT_*` of the kernels. */
  readonly id: number;
  /** Takes 8-bit activations instead of float32 ones. */
  readonly quantized: boolean;
  readonly kernel: keyof KernelExports & `pack${string}`;
  /** Bytes of `values` values of one of the 8 rows of a panel. */
  bytes(values: number): number;
}

const F32: WeightLayout = { name: 'F32', id: LAYOUT_F32, quantized: false, kernel: 'packF32', bytes: (n) => 4 * n };
const F16: WeightLayout = { name: 'F16', id: LAYOUT_F16, quantized: false, kernel: 'packF16', bytes: (n) => 2 * n };
const Q8: WeightLayout = {
  name: 'Q8_0',
  id: LAYOUT_Q8,
  quantized: true,
  kernel: 'packQ8',
  bytes: (n) => (n / 32) * 34,
};
const Q4: WeightLayout = {
  name: 'Q4_0',
  id: LAYOUT_Q4,
  quantized: true,
  kernel: 'packQ4',
  bytes: (n) => (n / 32) * 18,
};
const Q4_MIN: WeightLayout = {
  name: 'Q4_1',
  id: LAYOUT_Q4_MIN,
  quantized: true,
  kernel: 'packQ4Min',
  bytes: (n) => (n / 32) * 20,
};

/** Rows of one type, as a layout's packing kernel takes them. */
export interface Packing {
  readonly layout: WeightLayout;
  /** `rows` whole rows of `width` values. */
  convert(bytes: Uint8Array, rows: number, width: number): Uint8Array;
}

const asTheyLie = (layout: WeightLayout): Packing => ({ layout, convert: (bytes) => bytes });

const PACKINGS: Readonly<Record<string, Packing>> = {
  F32: asTheyLie(F32),
  F16: asTheyLie(F16),
  Q8_0: asTheyLie(Q8),
  Q4_0: asTheyLie(Q4),
  Q4_1: asTheyLie(Q4_MIN),
  Q4_K: { layout: Q4_MIN, convert: (bytes, rows, width) => q4KToQ41(bytes, (rows * width) / 256) },
};

/** Activations are quantised in blocks of 32, so narrower rows stay float32. */
export function packingOf(type: BlockType, width: number): Packing {
  const found = PACKINGS[type.name];
  if (found) return found;
  if (width % 32 === 0 && type.blockSize > 1) return { layout: Q8, convert: throughFloats(type, Q8_0) };
  return { layout: F32, convert: throughFloats(type, null) };
}

function throughFloats(type: BlockType, target: BlockType | null): Packing['convert'] {
  return (bytes, rows, width) => {
    const values = new Float32Array(rows * width);
    type.dequantize(bytes, 0, values, 0, values.length / type.blockSize);
    if (!target?.quantize) return new Uint8Array(values.buffer);
    const result = new Uint8Array(rows * rowBytes(target, width));
    target.quantize(values, 0, result, 0, values.length / target.blockSize);
    return result;
  };
}

/**
 * Blocks of 256 with 6-bit scales and minimums to eight blocks of 32 with float16 ones. The codes stay; scale and
 * minimum are rounded to 11 bits, which is far below what quantising the activations costs.
 */
function q4KToQ41(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 8 * 20);
  for (let block = 0; block < blocks; block++) {
    const at = block * 144;
    const d = readF16(bytes, at);
    const dmin = readF16(bytes, at + 2);
    for (let part = 0; part < 8; part++) {
      const to = (block * 8 + part) * 20;
      writeF16(result, to, d * scaleOf(bytes, at + 4, part));
      writeF16(result, to + 2, -dmin * minimumOf(bytes, at + 4, part));
      const codes = at + 16 + (part >> 1) * 32;
      const shift = (part & 1) * 4;
      for (let j = 0; j < 16; j++) {
        const low = (bytes[codes + j] >> shift) & 15;
        const high = (bytes[codes + 16 + j] >> shift) & 15;
        result[to + 4 + j] = low | (high << 4);
      }
    }
  }
  return result;
}
