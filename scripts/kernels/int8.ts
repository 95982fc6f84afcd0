/** The module `generated` of src-main/kernels/int8: everything that is multiplied out by weight layout. */
import { fewRows } from './int8-few-rows.ts';
import { fourRows } from './int8-four-rows.ts';
import { unpackSixBits } from './int8-six-bits.ts';
import {
  blockBytes,
  codes,
  constants,
  hasMin,
  headBytes,
  isOneOf,
  type LayoutRow,
  LAYOUTS,
  switchLayout,
  tileOf,
} from './layouts.ts';
import { each, functions, upTo, when } from './text.ts';

const UNPACK = 'from: usize, blocks: i32, to: usize, zero: i32';

/** Blocks as tiles. What is a tile already is copied. */
function unpack(layout: LayoutRow): string {
  if (layout.bits === 6) return unpackSixBits();
  if (layout.bits === 8) return `memory.copy(to, from, <usize>blocks * ${blockBytes(layout)});`;
  const five = layout.bits === 5;
  const vectors = [0, 1];
  return `
  ${constants(layout)}
  for (; blocks > 0; blocks--) {
    ${each(upTo(headBytes(layout) / 16), (v) => `v128.store(to, v128.load(from, ${16 * v}), ${16 * v});`)}
    from += ${headBytes(layout)};
    to += ${headBytes(layout)};
    ${when(
      five,
      each(vectors, (v) => `let f${v} = v128.load(from, ${128 + 16 * v});`),
    )}
    for (const end = from + 128; from < end; from += 32, to += 32) {
      ${each(vectors, (v) => `const n${v} = v128.load(from, ${16 * v});`)}
      ${each([0, 1], (p) => each(vectors, (v) => `const c${p}${v} = ${codes(layout, `n${v}`, p, `f${v}`)};`))}
      ${when(
        five,
        each(vectors, (v) => `f${v} = i16x8.shr_u(f${v}, 1);`),
      )}
      ${each([0, 1], (p) => each(vectors, (v) => `v128.store(to, c${p}${v}, ${128 * p + 16 * v});`))}
    }
    ${when(five, 'from += 32;')}
    to += 128;
  }`;
}

/** Statements that return a number for each layout: layouts with the same one together. */
function bytesOf(of: (layout: LayoutRow) => number): string {
  const rest = of(LAYOUTS.at(-1)!);
  const others = [...new Set(LAYOUTS.map(of))].filter((bytes) => bytes !== rest);
  return `${each(others, (bytes) => {
    return `if (${isOneOf(LAYOUTS.filter((layout) => of(layout) === bytes))}) return ${bytes};`;
  })}
  return ${rest};`;
}

export const int8 = (): string => `
import {
  XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM, ${LAYOUTS.map(({ name }) => `LAYOUT_${name}`).join(', ')}
} from '../../engine/executors/wasm/plan-layout';
import { dot4, dotPairs, signed } from '../base/dot';
import { FOUR_ROWS, ROW_SUMS } from '../base/epilogue';
import { MANY_ROWS } from '../base/streams';
import { madd, PLACED_HALF, placedHalf4 } from '../base/math';
import { FIFTH_BITS, NIBBLES, opaque, SIX_BITS } from '../base/wide';
import { fourthOfSixBits, highFives, lookUp, lowFives, sixBits, sixteenSixBits, tableIQ4 } from './codes';
import { XQ4_BLOCK, XQ4_LOW_SUM, XQ4_SCALE, XQ4_SCALED_SUM, XQ4_SUM } from './quantize';
import {
  addPanel, added, addScaled, addTo, addToSums, clearSums, lane, startOfHalf, storePanels, storeScaled, widened
} from './sums';

/** Bytes of a block of a panel. */
export function blockBytes(layout: i32): usize {
  ${bytesOf(blockBytes)}
}

/** Bytes of a block of its tile. */
export function tileBlockBytes(layout: i32): usize {
  ${bytesOf((layout) => blockBytes(tileOf(layout)))}
}

// @inline
export function hasMin(layout: i32): bool {
  return ${isOneOf(LAYOUTS.filter(hasMin))};
}

// @inline
export function hasHalves(layout: i32): bool {
  return ${isOneOf(LAYOUTS.filter(({ halves }) => halves))};
}

// @inline
export function mostStreamsOf(layout: i32, most: i32): i32 {
  return ${LAYOUTS.map(({ name, streams }) => when(streams, `layout == LAYOUT_${name} ? min(most, ${streams}) : `)).join('')}most;
}

${functions('unpack', UNPACK, LAYOUTS, unpack)}
export function unpackTile(layout: i32, ${UNPACK}): void {
  ${switchLayout(({ name }) => `unpack${name}(from, blocks, to, zero);`)}
}
${fewRows()}
${fourRows()}
`;
