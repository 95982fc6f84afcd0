/**
 * Four rows of 8-bit activations, which are together in memory, times a panel of weights (128 bits) or two (256): of 8
 * bits, or fewer that are unpacked meanwhile. Their float32 sums are in memory between blocks: V8 loads whatever a loop's
 * body loads before it computes, so eight integer sums, four activations and two vectors of codes fill sixteen registers.
 */
import * as L from './layouts.ts';
import type { LayoutRow } from './layouts.ts';
import { call, each, functions, plus, when } from './text.ts';

const NONE = 'i32x4.splat(0)';
const ROWS = ['a', 'b', 'c', 'd'];
const PANEL = [0, 1];
const TWO_PANELS = [0, 1, 2, 3];

/** Vectors of six-bit codes, of which each has two bits of a fourth. */
const fourth = (from: string, offset: number) =>
  `fourthOfSixBits(${[0, 32, 64].map((more) => `v128.load(${from}, ${more + offset})`).join(', ')}, mask)`;

/** Adds the products of a panel to the `f32[4][8]` at `sums`. */
const ONE_PANEL = 'x: usize, w: usize, blocks: i32, zero: i32, sums: usize';

function dotsOfPanel(layout: LayoutRow): string {
  const dot = (row: string, r: number, v: number) => L.dot(layout, `lane(v, ${r})`, `w${v}`, `${row}${v}`);
  // Signs and sizes leave registers for one vector at a time.
  if (layout.signed) return each(PANEL, (v) => L.signs(layout, `w${v}`) + each(ROWS, (row, r) => dot(row, r, v)));
  return each(ROWS, (row, r) => each(PANEL, (v) => dot(row, r, v)));
}

function onePanel(layout: LayoutRow): string {
  if (layout.halves) return halvesOfPanel(layout);
  const parts = L.partsOf(layout);
  const shifted = 'i32x4.mul(v128.load(x, XQ4_SUM), shift)';
  return `
  ${L.constants(layout)}
  const placed = opaque(PLACED_HALF);
  const shift = i32x4.splat(-${L.zeroOf(layout)});
  for (; blocks > 0; blocks--) {
    const start = ${L.hasMin(layout) || layout.short ? NONE : shifted};
    ${each(ROWS, (row, r) => each(PANEL, (v) => `let ${row}${v} = ${v ? `${row}0` : `lane(start, ${r})`};`))}
    let codes = w + ${L.headBytes(layout)};
    ${each(
      parts,
      (p) => `${when(p, 'codes -= 128;')}
    for (const end = x + ${128 / parts.length}; x < end; x += 16, codes += 32) {
      const v = v128.load(x);
      ${each(PANEL, (v) => `const w${v} = ${L.codes(layout, `v128.load(codes, ${16 * v})`, p)};`)}
      ${dotsOfPanel(layout)}
    }`,
    )}
    x -= 128;
    ${when(
      layout.short,
      `const wide = ${L.hasMin(layout) ? NONE : shifted};
      ${each(ROWS, (row, r) => each(PANEL, (v) => `${row}${v} = widened(${row}${v}, lane(wide, ${r}));`))}`,
    )}
    ${addPanel('w', L.hasMin(layout))}
    ${layout.bits === 8 ? `w += ${L.blockBytes(layout)}` : 'w = codes'};
    x += XQ4_BLOCK;
  }`;
}

/** Integers times weight scales at `halves` and activation scales, and minimums times sums of the activations. */
const addPanel = (halves: string, min: boolean) => `
    const halves = ${halves};
    const scales = v128.load(x, XQ4_SCALE);
    const scaled = ${min ? 'v128.load(x, XQ4_SCALED_SUM)' : 'scales'};
    ${each(PANEL, (v) => {
      const factors = (offset: number) => `placedHalf4(v128.load16x4_s(halves, ${offset + 8 * v}), placed)`;
      return `const h${v} = ${factors(0)};
    const m${v} = ${min ? factors(16) : `h${v}`};
    ${each(ROWS, (row, r) => {
      return `addTo(${plus('sums', 16 * v + 32 * r)}, ${row}${v}, h${v}, lane(scales, ${r}), ${min}, m${v}, lane(scaled, ${r}));`;
    })}`;
    })}`;

function halvesOfPanel(layout: LayoutRow): string {
  const bytes = 16 * layout.bits;
  const packed = layout.bits === 6;
  const start = (r: number) => `startOfHalf(${plus('x', 4 * r)}, half, ${L.zeroOf(layout)})`;
  const first = (row: string, r: number, v: number) => (layout.short ? NONE : v ? `${row}0` : start(r));
  return `
  ${L.constants(layout)}
  const placed = opaque(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      ${each(ROWS, (row, r) => each(PANEL, (v) => `let ${row}${v} = ${first(row, r, v)};`))}
      let codes = w + 32 + half * ${bytes};
      let at = x + half * 64;
      for (const end = codes + ${bytes}; codes < end; at += 16, codes += 32) {
        ${each(PANEL, (v) => `const w${v} = ${L.codes(layout, `v128.load(codes, ${16 * v})`)};`)}
        const v = v128.load(at);
        ${dotsOfPanel(layout)}
      }
      ${when(
        packed,
        `codes -= 96;
        const w0 = ${fourth('codes', 0)};
        // Never true: this only keeps V8 from loading all before it computes, for which there are too few registers.
        if (!codes) break;
        const w1 = ${fourth('codes', 16)};
        if (!at) break;
        const v = v128.load(at);
        ${dotsOfPanel(layout)}`,
      )}
      ${when(
        layout.short,
        each(ROWS, (row, r) => {
          const widened = each(PANEL, (v) => `${row}${v} = widened(${row}${v}, start${row});`);
          return `const start${row} = ${start(r)}; ${widened}`;
        }),
      )}
      ${addPanel('w + half * 16', false)}
    }
    w += ${L.blockBytes(layout)};
    x += XQ4_BLOCK;
  }`;
}

/**
 * Adds the products of two panels to the `f32[2][4][8]` at `sums`, written as base/wide.ts says: the two vectors of a panel
 * become one. Eight sums are in flight, twice as many as one panel would have: an addition waits five cycles for the one
 * before.
 */
const TWO = 'x: usize, w: usize, step: usize, blocks: i32, zero: i32, sums: usize';

const twoPanels = (layout: LayoutRow) => `
  for (; blocks > 0; blocks--) {
    ${layout.halves ? halvesOfTwoPanels(layout) : wholeOfTwoPanels(layout)}
    w += ${L.blockBytes(layout)};
    x += XQ4_BLOCK;
  }`;

const sumOf = (field: string, r: number) => `v128.load32_splat(x, ${field} + ${4 * r})`;

function wholeOfTwoPanels(layout: LayoutRow): string {
  const shift = `i32x4.splat(-${L.zeroOf(layout)})`;
  const start = (r: number) => (L.hasZero(layout) ? `i32x4.mul(${sumOf('XQ4_SUM', r)}, ${shift})` : NONE);
  const starts = each(ROWS, (row, r) => `const ${row} = ${start(r)};`);
  if (!layout.signed) return `${starts} ${blockOfTwoPanels(layout, ROWS, 'x', 0)}`;
  // Signs and sizes leave registers for one panel at a time.
  return `${starts}
    {${blockOfTwoPanels(layout, ROWS, 'x', 0)}}
    {${blockOfTwoPanels(layout, ROWS, 'x', 0, 'w + step', 'sums + FOUR_ROWS')}}`;
}

function halvesOfTwoPanels(layout: LayoutRow): string {
  // Of halves, the code of weight 0 is a power of two.
  const places = Math.log2(Number(layout.zero));
  const negative = ROWS.map((row) => `i32x4.sub(${NONE}, ${row})`);
  return `${each(ROWS, (row, r) => `let ${row} = i32x4.shl(${sumOf('XQ4_LOW_SUM', r)}, ${places});`)}
    {${blockOfTwoPanels(layout, negative, 'x', 0)}}
    ${each(ROWS, (row, r) => `${row} = i32x4.sub(${row}, i32x4.shl(${sumOf('XQ4_SUM', r)}, ${places}));`)}
    {${blockOfTwoPanels(layout, ROWS, 'x + 64', 1)}}`;
}

/** A block, or half of one, and what its products with `inputs` are added to. @param w the first panel, or for signed codes the only one */
function blockOfTwoPanels(
  layout: LayoutRow,
  starts: readonly string[],
  inputs: string,
  half: number,
  w = 'w',
  sums = 'sums',
): string {
  const parts = L.partsOf(layout);
  const five = layout.bits === 5;
  const packed = layout.bits === 6;
  const vectors = layout.signed ? PANEL : TWO_PANELS;
  const at = layout.signed ? 'x' : 'at';
  const steps = (layout.halves ? 4 : 8) / parts.length - (packed ? 1 : 0);
  const vector = (v: number) => `v128.load(${v < 2 ? 'codes' : 'others'}, ${16 * (v & 1)})`;
  const dots = (p: number, weights: string) =>
    each(
      ROWS,
      (row, r) => `v = v128.load32_splat(${at}, ${64 * p + 4 * r});
      ${each(vectors, (v) => L.dot(layout, 'v', `${weights}${v}`, `${row}${v}`))}`,
    );
  return `
    ${L.constants(layout)}
    ${each(ROWS, (row, r) => `const start${row} = ${starts[r]!};`)}
    ${each(ROWS, (row) => each(vectors, (v) => `let ${row}${v} = ${layout.short ? NONE : `start${row}`};`))}
    let codes = ${w} + ${L.headBytes(layout) + half * 16 * layout.bits};
    let others = codes + step;
    ${when(!layout.signed, `let at = ${inputs};`)}
    let v: v128;
    ${when(
      five,
      each(TWO_PANELS, (v) => `let f${v} = v128.load(${v < 2 ? 'codes' : 'others'}, ${128 + 16 * (v & 1)});`),
    )}
    for (const end = ${at} + ${16 * steps}; ${at} < end; ${at} += 16, codes += 32, others += 32) {
      ${each(vectors, (v) => `const n${v} = ${packed ? L.codes(layout, vector(v)) : vector(v)};`)}
      ${each(
        parts,
        (p) => `${each(vectors, (v) => `const w${p}${v} = ${packed ? `n${v}` : L.codes(layout, `n${v}`, p, `f${v}`)};`)}
        ${each(vectors, (v) => L.signs(layout, `w${p}${v}`))}
        ${when(
          five && p,
          each(TWO_PANELS, (v) => `f${v} = i16x8.shr_u(f${v}, 1);`),
        )}
        ${dots(p, `w${p}`)}`,
      )}
    }
    ${when(
      packed,
      `codes -= 96;
      others -= 96;
      ${each(TWO_PANELS, (v) => `const u${v} = ${fourth(v < 2 ? 'codes' : 'others', 16 * (v & 1))};`)}
      ${dots(0, 'u')}`,
    )}
    ${when(layout.signed, 'x -= 128;')}
    ${when(
      layout.short,
      each(ROWS, (row) => each(vectors, (v) => `${row}${v} = widened(${row}${v}, start${row});`)),
    )}
    ${addTwoPanels(vectors, plus(w, 16 * half), L.hasMin(layout), sums)}`;
}

/** The same for two panels. */
function addTwoPanels(vectors: readonly number[], halves: string, min: boolean, sums: string): string {
  const factors = (v: number, offset: number) =>
    `placedHalf4(v128.load16x4_s(${v < 2 ? 'halves' : 'next'}, ${offset + 8 * (v & 1)}), placed)`;
  return `
    const placed = opaque(PLACED_HALF);
    const halves = ${halves};
    const next = halves + step;
    ${each(vectors, (v) => `const h${v} = ${factors(v, 0)};`)}
    ${each(vectors, (v) => `const m${v} = ${min ? factors(v, 16) : `h${v}`};`)}
    ${each(ROWS, (row, r) => {
      const y = (v: number, offset: number) =>
        `const y${row}${v} = added(v128.load(${sums}, ${offset}), ${row}${v}, h${v}, scale${r}, ${min}, m${v}, sum${r});`;
      return `const scale${r} = v128.load32_splat(x, XQ4_SCALE + ${4 * r});
      const sum${r} = ${min ? `v128.load32_splat(x, XQ4_SCALED_SUM + ${4 * r})` : `scale${r}`};
      ${each(
        vectors.filter((v) => v % 2 === 0),
        (v) => {
          const offset = 64 * v + 32 * r;
          return `${y(v, offset)} ${y(v + 1, offset + 16)}
        v128.store(${sums}, y${row}${v + 1}, ${offset + 16});
        v128.store(${sums}, y${row}${v}, ${offset});`;
        },
      )}`;
    })}`;
}

/** A call with the panel, or panels, as they are in memory or as a tile, where there is one kernel or both. */
function callFourRows(layout: LayoutRow, name: string, parameters: string, direct: readonly LayoutRow[]): string {
  const tile = call(`${name}${L.tileOf(layout).name}`, parameters, { zero: L.zeroOf(layout) });
  const packed = call(`${name}${layout.name}`, parameters);
  return direct.includes(layout) ? `if (tiled) ${tile} else ${packed}` : tile;
}

const PACKED = L.LAYOUTS.filter((layout) => layout.bits < 8 && !layout.table && !L.hasNibbleHalves(layout));
const SIGNED = L.LAYOUTS.filter(({ signed }) => signed);
const OF_ONE_PANEL = PACKED.filter(({ bits }) => bits === 4 || bits === 6);
const WIDE_ONLY = PACKED.filter((layout) => !OF_ONE_PANEL.includes(layout));

export const fourRows = () => `
${functions('onePanel', ONE_PANEL, [...OF_ONE_PANEL, ...L.TILES, ...SIGNED], onePanel)}
${functions('twoPanels', TWO, [...PACKED, ...L.TILES, ...SIGNED], twoPanels)}

/** Whether four rows take no panel as it is in memory without 256 bits. */
// @inline
export function isWideOnly(layout: i32): bool {
  return ${L.isOneOf(WIDE_ONLY)};
}

/**
 * Whether a panel is unpacked before rows are multiplied by it: always where there are too few registers to do it
 * meanwhile, and else once that is faster.
 */
export function isTiled(layout: i32, rows: i32): bool {
  if (${L.isOneOf(OF_ONE_PANEL)}) return rows >= MANY_ROWS;
  if (WIDE && (${L.isOneOf(WIDE_ONLY)})) return rows >= MANY_ROWS;
  return rows >= 3 && (${L.isOneOf(L.LAYOUTS.filter((layout) => layout.bits < 8 && !OF_ONE_PANEL.includes(layout)))});
}

// @inline
export function fourRows(layout: i32, tiled: bool, ${ONE_PANEL}): void {
  ${L.switchLayout((layout) => callFourRows(layout, 'onePanel', ONE_PANEL, OF_ONE_PANEL))}
}

// @inline
export function fourRowsOfTwoPanels(layout: i32, tiled: bool, ${TWO}): void {
  ${L.switchLayout((layout) => callFourRows(layout, 'twoPanels', TWO, PACKED))}
}`;
