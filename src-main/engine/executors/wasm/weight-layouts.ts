/** Maps each file type to the nearest packed layout in memory that has kernels. */
import { rowBytes, type BlockType } from '../../quant/block-type.ts';
import { Q8_0 } from '../../quant/q8_0.ts';
import * as L from './plan-layout.ts';
import { iq4NlToQ80, iq4XsToNl } from './weight-conversions.ts';

export interface WeightLayout {
  /** Display name: the type whose values it holds. */
  readonly name: string;
  /** `LAYOUT_*` of the kernels. */
  readonly id: number;
  /** Form of the input: plain activations, times F16_INPUT_SCALE, or blocks of 8-bit codes. */
  readonly input: 'float32' | 'scaled' | 'codes';
  /** The code of weight 0. */
  readonly zero: number;
  /** `PACK_*`: how the blocks of a file become it. */
  readonly packing: number;
  /** Whether there are float16 numbers in it: weights, or scales and minimums. */
  readonly hasFloat16: boolean;
  /** Bytes of `values` values of one of the 8 rows of a panel. */
  bytes(values: number): number;
}

/**
 * How the machine's dot product treats 8-bit codes above 127 (see base/dot.ts of the kernels): as unsigned, as negative, or
 * not exactly.
 */
export type DotKind = 'unsigned' | 'signed' | 'seven-bits';

/** The best choice on this machine; see kernel-choice.ts. */
export interface DotTraits {
  readonly codes: DotKind;
  /** Initial width of the sums of a block of 4-bit products. */
  readonly sums: 'i32' | 'i16';
}

/** In the order of the kernels' `dotKind`. */
export const DOT_KINDS: readonly DotKind[] = ['seven-bits', 'unsigned', 'signed'];

/** 16 bits each, with inputs in pairs. */
const half = (name: string, id: number, input: WeightLayout['input']): WeightLayout => {
  const hasFloat16 = id === L.LAYOUT_F16;
  return { name, id, packing: L.PACK_HALF, input, zero: 0, hasFloat16, bytes: (values) => 4 * Math.ceil(values / 2) };
};
/** @param bytes of 32 values */
const integer = (name: string, id: number, packing: number, zero: number, bytes: number): WeightLayout => ({
  name,
  id,
  packing,
  input: 'codes',
  zero,
  hasFloat16: true,
  bytes: (values) => (values / 32) * bytes,
});

const F32: WeightLayout = {
  ...{ name: 'F32', id: L.LAYOUT_F32, packing: L.PACK_F32, input: 'float32', zero: 0, hasFloat16: false },
  bytes: (values) => 4 * values,
};
const F16 = half('F16', L.LAYOUT_F16, 'scaled');
const BF16 = half('BF16', L.LAYOUT_BF16, 'float32');
const Q4 = integer('Q4_0', L.LAYOUT_Q4, L.PACK_Q4, 8, 18);
const Q4_MIN = integer('Q4_1', L.LAYOUT_Q4_MIN, L.PACK_Q4_MIN, 0, 20);
const SHORT_SUMS: ReadonlyMap<number, number> = new Map([
  [L.LAYOUT_Q4, L.LAYOUT_Q4_SHORT],
  [L.LAYOUT_Q4_MIN, L.LAYOUT_Q4_MIN_SHORT],
  [L.LAYOUT_Q3, L.LAYOUT_Q3_SHORT],
]);
const Q5 = integer('Q5_0', L.LAYOUT_Q5, L.PACK_Q5, 16, 22);
const Q5_MIN = integer('Q5_1', L.LAYOUT_Q5_MIN, L.PACK_Q5_MIN, 0, 24);
const Q6 = integer('Q6_K', L.LAYOUT_Q6, L.PACK_Q6_K, 32, 28);
const Q3 = integer('Q3_K', L.LAYOUT_Q3, L.PACK_Q3_K, 4, 20);
const Q8: Readonly<Record<DotKind, WeightLayout>> = {
  unsigned: integer('Q8_0', L.LAYOUT_Q8, L.PACK_Q8_UNSIGNED, 128, 34),
  signed: integer('Q8_0', L.LAYOUT_Q8, L.PACK_Q8, 0, 34),
  'seven-bits': integer('Q8_0', L.LAYOUT_Q8_SIGNED, L.PACK_Q8_SIGNED, 0, 34),
};
const IQ4 = (zero: number) => integer('IQ4_NL', L.LAYOUT_IQ4, L.PACK_Q4, zero, 18);
const IQ4_UNSIGNED = IQ4(128);
const IQ4_SIGNED = IQ4(0);

/** Prepares rows of one type for a layout's packing kernel. */
export interface Packing {
  readonly layout: WeightLayout;
  /** `rows` whole rows of `width` values. */
  convert(bytes: Uint8Array, rows: number, width: number): Uint8Array;
}

const asTheyLie = (layout: WeightLayout): Packing => ({ layout, convert: (bytes) => bytes });

/** @param blockSize values of one of the file's blocks */
const converted = (
  layout: WeightLayout,
  blockSize: number,
  convert: (bytes: Uint8Array, blocks: number) => Uint8Array,
): Packing => ({ layout, convert: (bytes, rows, width) => convert(bytes, (rows * width) / blockSize) });

const PACKINGS: Readonly<Record<string, Packing>> = {
  F32: asTheyLie(F32),
  F16: asTheyLie(F16),
  BF16: asTheyLie(BF16),
  Q4_0: asTheyLie(Q4),
  Q4_1: asTheyLie(Q4_MIN),
  Q5_0: asTheyLie(Q5),
  Q5_1: asTheyLie(Q5_MIN),
  Q4_K: asTheyLie({ ...Q4_MIN, packing: L.PACK_Q4_K }),
  Q5_K: asTheyLie({ ...Q5_MIN, packing: L.PACK_Q5_K }),
  Q6_K: asTheyLie(Q6),
  Q3_K: asTheyLie(Q3),
};

/** The layout of Q4_0 for kernels with sums of the given width. */
export function nibbleLayout(sums: DotTraits['sums']): WeightLayout {
  return sums === 'i16' ? withShortSums(Q4) : Q4;
}

/** Whether the machine decides how large weights of this type are in memory. */
export function sizeDependsOnCodes(typeName: string): boolean {
  return typeName.startsWith('IQ4_');
}

/** Activations are quantised in blocks of 32, so narrower rows stay float32. */
export function packingOf(type: BlockType, width: number, { codes, sums }: DotTraits): Packing {
  const found = PACKINGS[type.name];
  if (found) return sums === 'i16' ? { ...found, layout: withShortSums(found.layout) } : found;
  if (type.name === 'Q8_0') return asTheyLie(Q8[codes]);
  if (type.name === 'IQ4_NL' || type.name === 'IQ4_XS') return iq4Packing(type.name, codes);
  if (width % 32 === 0 && type.blockSize > 1) return { layout: Q8[codes], convert: throughFloats(type, Q8_0) };
  return { layout: F32, convert: throughFloats(type, null) };
}

/** The same layout in memory; its id selects the kernel. */
function withShortSums(layout: WeightLayout): WeightLayout {
  return { ...layout, id: SHORT_SUMS.get(layout.id) ?? layout.id };
}

/** The table's values have eight bits. If those are not exact, the same values are stored as Q8_0. */
function iq4Packing(name: 'IQ4_NL' | 'IQ4_XS', dot: DotKind): Packing {
  const [blockSize, toNl] = name === 'IQ4_XS' ? [256, iq4XsToNl] : [32, (bytes: Uint8Array) => bytes];
  if (dot !== 'seven-bits') return converted(dot === 'unsigned' ? IQ4_UNSIGNED : IQ4_SIGNED, blockSize, toNl);
  return converted(Q8[dot], blockSize, (bytes, blocks) => {
    return iq4NlToQ80(toNl(bytes, blocks), (blocks * blockSize) / 32);
  });
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
