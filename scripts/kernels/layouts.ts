/** The weight layouts of src-main/kernels/int8, one row each; src-main/kernels/int8/codes.ts shows their bytes. */
import { each } from './text.ts';

export interface LayoutRow {
  /** `LAYOUT_${name}` of plan-layout.ts, and the end of its kernels' names. */
  readonly name: string;
  readonly bits: 4 | 5 | 6 | 8;
  /** The code of weight 0; `operation`: what OP_ZERO says; `minimum`: codes start at the row's minimum. */
  readonly zero: number | 'operation' | 'minimum';
  /** Codes are indices of this table, a vector of 16 bytes. */
  readonly table?: string;
  /** Each half of a block has its own scale. */
  readonly halves?: true;
  /** Products of a block are summed in 16 bits first. */
  readonly short?: true;
  /** Codes have a sign, which moves to the activation: the dot product wants 0..127 on one side. */
  readonly signed?: true;
  /** Interleaved streams of a token at most. */
  readonly streams?: number;
}

/** The last one stands for all others, where kernels are chosen. */
export const LAYOUTS: readonly LayoutRow[] = [
  { name: 'Q4', bits: 4, zero: 8 },
  { name: 'Q4_SHORT', bits: 4, zero: 8, short: true },
  { name: 'Q4_MIN', bits: 4, zero: 'minimum' },
  { name: 'Q4_MIN_SHORT', bits: 4, zero: 'minimum', short: true },
  { name: 'Q5', bits: 5, zero: 16 },
  { name: 'Q5_MIN', bits: 5, zero: 'minimum' },
  { name: 'Q6', bits: 6, zero: 32, halves: true, streams: 4 },
  { name: 'Q3', bits: 4, zero: 4, halves: true },
  { name: 'Q3_SHORT', bits: 4, zero: 4, halves: true, short: true },
  { name: 'IQ4', bits: 4, zero: 'operation', table: 'tableIQ4(zero)' },
  { name: 'Q8_SIGNED', bits: 8, zero: 0, signed: true },
  { name: 'Q8', bits: 8, zero: 'operation' },
];

/** Tiles: layouts of 8-bit codes, to which panels are unpacked for many rows. */
const TILE: LayoutRow = { name: 'Tile', bits: 8, zero: 'operation' };
const TILE_MIN: LayoutRow = { name: 'TileMin', bits: 8, zero: 'minimum' };
const TILE_HALVES: LayoutRow = { name: 'TileHalves', bits: 8, zero: 32, halves: true };
const TILE_HALVES_OF_3: LayoutRow = { ...TILE_HALVES, name: 'TileHalvesOf3', zero: 4 };
const TILE_SHORT: LayoutRow = { ...TILE, name: 'TileShort', short: true };
const TILE_MIN_SHORT: LayoutRow = { ...TILE_MIN, name: 'TileMinShort', short: true };
const TILE_HALVES_OF_3_SHORT: LayoutRow = { ...TILE_HALVES_OF_3, name: 'TileHalvesOf3Short', short: true };
export const TILES = [
  TILE,
  TILE_MIN,
  TILE_HALVES,
  TILE_HALVES_OF_3,
  TILE_SHORT,
  TILE_MIN_SHORT,
  TILE_HALVES_OF_3_SHORT,
];

export const hasMin = ({ zero }: LayoutRow): boolean => zero === 'minimum';
/** Whether the sum of the activations is subtracted so many times. */
export const hasZero = ({ zero }: LayoutRow): boolean => zero !== 'minimum' && zero !== 0;

export function tileOf(layout: LayoutRow): LayoutRow {
  if (layout.signed) return layout;
  if (layout.halves && layout.zero === 32) return TILE_HALVES;
  if (layout.halves) return layout.short ? TILE_HALVES_OF_3_SHORT : TILE_HALVES_OF_3;
  if (layout.short) return hasMin(layout) ? TILE_MIN_SHORT : TILE_SHORT;
  return hasMin(layout) ? TILE_MIN : TILE;
}

/** Bytes of a block's scales and minimums. */
export const headBytes = (layout: LayoutRow): number => (hasMin(layout) || layout.halves ? 32 : 16);
/** Bytes of a block: 32 codes of each of 8 rows. */
export const blockBytes = (layout: LayoutRow): number => headBytes(layout) + 32 * layout.bits;
/** Vectors of codes that are unpacked from one: nibbles and five bits come in pairs. */
export const partsOf = ({ bits }: LayoutRow): number[] => (bits < 6 ? [0, 1] : [0]);

/** Nibbles whose halves have their own scales: all but a few rows take them unpacked. */
export const hasNibbleHalves = ({ bits, halves }: LayoutRow): boolean => bits === 4 && halves === true;

/** The code of weight 0. */
export const zeroOf = ({ zero }: LayoutRow): string =>
  zero === 'operation' ? 'zero' : zero === 'minimum' ? '0' : `${zero}`;

/** Constants that V8 keeps in registers (src-main/kernels/base/wide.ts). */
export function constants({ bits, table }: LayoutRow): string {
  if (bits === 8) return '';
  return `const mask = opaque(${bits === 6 ? 'SIX_BITS' : 'NIBBLES'});
  ${bits === 5 ? 'const bit = opaque(FIFTH_BITS);' : ''}
  ${table ? `const table = ${table};` : ''}`;
}

/** Codes of a vector as it was loaded. @param fifth bits of its codes */
export function codes({ bits, table }: LayoutRow, vector: string, part = 0, fifth = ''): string {
  if (bits === 8) return vector;
  if (bits === 6) return `v128.and(${vector}, mask)`;
  if (bits === 5) return `${part ? 'high' : 'low'}Fives(${vector}, ${fifth}, mask, bit)`;
  const nibbles = `v128.and(${part ? `i16x8.shr_u(${vector}, 4)` : vector}, mask)`;
  return table ? `lookUp(table, ${nibbles})` : nibbles;
}

/** The sign and size of codes, where `dot` needs them. */
export function signs({ signed }: LayoutRow, weights: string): string {
  if (!signed) return '';
  return `const sign_${weights} = i8x16.lt_s(${weights}, i8x16.splat(0)); const size_${weights} = i8x16.abs(${weights});`;
}

/** `sum` plus the products of activations and codes. */
export function dot({ short, signed }: LayoutRow, activations: string, weights: string, sum: string): string {
  if (signed) return `${sum} = dot4(signed(${activations}, sign_${weights}), size_${weights}, ${sum});`;
  return `${sum} = ${short ? 'dotPairs' : 'dot4'}(${activations}, ${weights}, ${sum});`;
}

/** A choice between layouts: the same statements together, and the last for all others. */
export function switchLayout(statement: (layout: LayoutRow) => string): string {
  return `switch (layout) {
    ${each(LAYOUTS, (layout, index) => {
      const label = index < LAYOUTS.length - 1 ? `case LAYOUT_${layout.name}:` : 'default:';
      const next = LAYOUTS[index + 1];
      return next && statement(next) === statement(layout) ? label : `${label} ${statement(layout)} break;`;
    })}
  }`;
}

/** A condition: `layout` is one of these. */
export const isOneOf = (layouts: readonly LayoutRow[]): string =>
  layouts.map(({ name }) => `layout == LAYOUT_${name}`).join(' || ') || 'false';
