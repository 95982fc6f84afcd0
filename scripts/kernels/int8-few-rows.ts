/**
 * One and two rows of 8-bit activations times panels of weights as they are in memory: codes are unpacked in registers, so
 * that a token reads each weight once. Sums of a block, or of half a block with its own scale, are exact integers, and
 * blocks are added in order, so all of them give the same bits.
 */
import {
  blockBytes,
  codes,
  constants,
  dot,
  hasMin,
  hasNibbleHalves,
  hasZero,
  headBytes,
  isOneOf,
  type LayoutRow,
  LAYOUTS,
  partsOf,
  switchLayout,
  signs,
  zeroOf,
} from './layouts.ts';
import { rowOfSixBits, sixBitsOfTwoPanels, wideSixBits } from './int8-six-bits.ts';
import { call, each, functions, plus, when } from './text.ts';

const NONE = 'i32x4.splat(0)';
const PANEL = [0, 1];
/** Vectors of two panels; `w` and `others` are the panels' codes. */
const TWO_PANELS = [0, 1, 2, 3];
const at = (vector: number) => `${vector < 2 ? 'codes' : 'others'}, ${(vector & 1) * 16}`;

/** One row and one panel, whose sums stay in registers. */
const ROW = 'op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, zero: i32';

/** Parts of a block with their own scale. */
const halvesOf = ({ halves }: LayoutRow): number[] => (halves ? [0, 1] : [0]);

/** What the sums of each part begin with: the code of weight 0 times the sum of its activations. @param shift the negative code @param end of the names */
function startsOf(layout: LayoutRow, x: string, shift = 'shift', end = ''): string {
  if (!hasZero(layout)) return `const start0${end} = ${NONE};`;
  const all = `i32x4.mul(v128.load32_splat(${x}, XQ_SUM), ${shift})`;
  if (!layout.halves) return `const start0${end} = ${all};`;
  return `const start0${end} = i32x4.mul(v128.load32_splat(${x}, XQ_LOW_SUM), ${shift});
  const start1${end} = i32x4.sub(${all}, start0${end});`;
}

function row(layout: LayoutRow): string {
  if (layout.bits === 6) return rowOfSixBits();
  const parts = partsOf(layout);
  const inputs = 32 / parts.length;
  const five = layout.bits === 5;
  const halves = halvesOf(layout);
  return `
  ${constants(layout)}
  const half = opaque(PLACED_HALF);
  const shift = i32x4.splat(-${zeroOf(layout)});
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    ${startsOf(layout, 'x')}
    ${each(halves, (h) => each(PANEL, (v) => `let s${h}${v} = ${layout.short ? NONE : `start${h}`};`))}
    let codes = w + ${headBytes(layout)};
    ${when(
      five,
      each(PANEL, (v) => `let f${v} = v128.load(codes, ${128 + 16 * v});`),
    )}
    for (const end = x + ${inputs}; x < end; x += 4, codes += 32) {
      ${each(PANEL, (v) => `const n${v} = v128.load(codes, ${16 * v});`)}
      ${each(parts, (p) => `const a${p} = v128.load32_splat(x, ${16 * p});`)}
      ${each(parts, (p) => each(PANEL, (v) => `const c${p}${v} = ${codes(layout, `n${v}`, p, `f${v}`)};`))}
      ${each(PANEL, (v) => signs(layout, `c0${v}`))}
      ${when(
        five,
        each(PANEL, (v) => `f${v} = i16x8.shr_u(f${v}, 1);`),
      )}
      ${each(parts, (p) => each(PANEL, (v) => dot(layout, `a${p}`, `c${p}${v}`, `s${layout.halves ? p : 0}${v}`)))}
    }
    ${when(
      layout.short,
      each(halves, (h) => each(PANEL, (v) => `s${h}${v} = widened(s${h}${v}, start${h});`)),
    )}
    const scale = v128.load32_splat(x, XQ_SCALE - ${inputs});
    ${each(halves, (h) => each(PANEL, (v) => `y${v} = addScaled(y${v}, s${h}${v}, ${plus('w', 16 * h + 8 * v)}, scale, half);`))}
    ${when(
      hasMin(layout),
      `const sum = v128.load32_splat(x, XQ_SCALED_SUM - ${inputs});
      y0 = madd(placedHalf4(v128.load16x4_s(w, 16), half), sum, y0);
      y1 = madd(placedHalf4(v128.load16x4_s(w, 24), half), sum, y1);`,
    )}
    w = codes${when(five, ' + 32')};
    x += XQ_BLOCK - ${inputs};
  }
  storeScaled(op, row, panel, y0, y1);`;
}

/** One row and panels of interleaved streams, a block of each of two panels at a time. Their sums are in memory. */
const STREAMS =
  'op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, streams: i32, apart: i32, zero: i32, sums: usize';

const rowOfStreams = (layout: LayoutRow) => `
  ${constants(layout)}
  const shift = opaque(-${zeroOf(layout)});
  const half = opaque(PLACED_HALF);
  const end = sums + <usize>streams * ROW_SUMS;
  clearSums(sums, 2);
  for (; blocks > 0; blocks--) {
    let at = w;
    for (let y = sums; y < end; y += 2 * ROW_SUMS, at += 2 * step) {${blockOfStreams(layout)}}
    w += ${blockBytes(layout)};
    x += XQ_BLOCK;
  }
  storePanels(op, row, panel, streams, apart, sums);`;

function blockOfStreams(layout: LayoutRow): string {
  const one: Row[] = [{ x: 'x', sums: 'y' }];
  // Five bits have no kernel of 128 bits.
  if (layout.bits === 5) return wideBlock(layout, one, 'ROW_SUMS', 'at');
  if (layout.table) return narrowBlock(layout);
  return `if (WIDE) {${wideBlock(layout, one, 'ROW_SUMS', 'at')}} else {${narrowBlock(layout)}}`;
}

function narrowBlock(layout: LayoutRow): string {
  if (layout.bits === 6) return sixBitsOfTwoPanels('at', 'y');
  const parts = partsOf(layout);
  const min = hasMin(layout);
  const halves = halvesOf(layout);
  return `
  ${startsOf(layout, 'x', `i32x4.splat(-${zeroOf(layout)})`)}
  ${each(halves, (h) => each(TWO_PANELS, (v) => `let s${h}${v} = ${layout.short ? NONE : `start${h}`};`))}
  let codes = at + ${headBytes(layout)};
  let others = codes + step;
  let a = x;
  for (const end = x + ${32 / parts.length}; a < end; a += 4, codes += 32, others += 32) {
    ${each(parts, (p) => `const a${p} = v128.load32_splat(a, ${16 * p});`)}
    let n: v128;
    ${each(
      TWO_PANELS,
      (v) => `n = v128.load(${at(v)});
      {
      ${signs(layout, 'n')}
      ${each(parts, (p) => dot(layout, `a${p}`, codes(layout, 'n', p), `s${layout.halves ? p : 0}${v}`))}
      }`,
    )}
  }
  const scale = v128.load32_splat(x, XQ_SCALE);
  const sum = ${min ? 'v128.load32_splat(x, XQ_SCALED_SUM)' : 'scale'};
  ${each(halves, (h) => {
    return each(TWO_PANELS, (v) => {
      const [sums, from] = v < 2 ? ['y', 'at'] : ['y + ROW_SUMS', 'at + step'];
      const integers = layout.short ? `widened(s${h}${v}, start${h})` : `s${h}${v}`;
      const high = v & 1;
      const scales = plus(from, 16 * h + 8 * high);
      return `addToSums(${plus(sums, 16 * high)}, ${integers}, ${scales}, scale, ${min}, sum, half);`;
    });
  })}`;
}

interface Row {
  /** Its activations, and where its sums of the first panel are. */
  readonly x: string;
  readonly sums: string;
}

/**
 * A block of two panels and one or two rows, written as base/wide.ts says: the vectors of a panel side by side, and offsets
 * where V8 sees them. Both parts of a vector have their own sums, which are in flight together.
 * @param next from the first panel's sums to the second's @param w the first panel
 */
function wideBlock(layout: LayoutRow, rows: readonly Row[], next: string, w: string): string {
  if (layout.bits === 6) return each(rows, ({ x, sums }) => wideSixBits(x, w, sums, next));
  if (layout.bits === 5) {
    const second = rows.map(({ x, sums }) => ({ x, sums: `${sums} + ${next}` }));
    return `{${wideCodes(layout, rows, next, w, PANEL)}} {${wideCodes(layout, second, next, `${w} + step`, PANEL)}}`;
  }
  return wideCodes(layout, rows, next, w, TWO_PANELS);
}

function wideCodes(
  layout: LayoutRow,
  rows: readonly Row[],
  next: string,
  w: string,
  vectors: readonly number[],
): string {
  const parts = partsOf(layout);
  const min = hasMin(layout);
  const five = layout.bits === 5;
  // Two rows of nibbles, and signs, leave no register for it.
  const half = (rows.length > 1 && layout.bits === 4) || layout.signed ? 'opaque(PLACED_HALF)' : 'half';
  const panels =
    vectors.length === 4
      ? [
          [0, 1],
          [2, 3],
        ]
      : [vectors];
  const inputs = (r: number) => each(parts, (p) => `const a${r}${p} = v128.load32_splat(at${r}, ${16 * p});`);
  const dots = (r: number, panel: readonly number[]) =>
    each(parts, (p) => each(panel, (v) => dot(layout, `a${r}${p}`, `c${p}${v}`, `s${r}${p}${v}`)));
  return `
  const first = ${w};
  ${each(rows, ({ x }, r) => startsOf(layout, x, 'shift', `${r}`))}
  ${each(rows, (_, r) => each(parts, (p) => each(vectors, (v) => `let s${r}${p}${v} = ${layout.short || (p && !layout.halves) ? NONE : `start${p}${r}`};`)))}
  let codes = first + ${headBytes(layout)};
  ${when(vectors.length > 2, 'let others = codes + step;')}
  ${when(
    five,
    each(vectors, (v) => `let f${v} = v128.load(codes, ${128 + 16 * v});`),
  )}
  ${each(rows, ({ x }, r) => `let at${r} = ${x};`)}
  for (const end = at0 + ${32 / parts.length}; at0 < end; at0 += 4, codes += 32${when(vectors.length > 2, ', others += 32')}) {
    ${inputs(0)}
    ${each(vectors, (v) => `const n${v} = v128.load(${at(v)});`)}
    ${each(
      panels,
      (panel) => `${each(parts, (p) => each(panel, (v) => `const c${p}${v} = ${codes(layout, `n${v}`, p, `f${v}`)};`))}
      ${each(panel, (v) => signs(layout, `c0${v}`))}
      ${dots(0, panel)}`,
    )}
    ${when(rows.length > 1, `${inputs(1)} ${each(panels, (panel) => dots(1, panel))} at1 += 4;`)}
    ${when(
      five,
      each(vectors, (v) => `f${v} = i16x8.shr_u(f${v}, 1);`),
    )}
  }
  ${each(rows, ({ x, sums }, r) => {
    const integers = (v: number, h: number) => {
      if (layout.halves) return layout.short ? `widened(s${r}${h}${v}, start${h}${r})` : `s${r}${h}${v}`;
      if (layout.short) return `widened(i16x8.add(s${r}0${v}, s${r}1${v}), start0${r})`;
      return parts.length > 1 ? `i32x4.add(s${r}0${v}, s${r}1${v})` : `s${r}0${v}`;
    };
    const panelsSums = panels.flatMap((panel, index) => {
      const [from, to] = index ? ['first + step', `to${r} + ${next}`] : ['first', `to${r}`];
      return halvesOf(layout).map((h) => {
        const sums = panel.map((v) => integers(v, h)).join(', ');
        return `addPanel(scale${r}, sum${r}, ${plus(from, 16 * h)}, ${min}, ${sums}, ${to}, half${r});`;
      });
    });
    return `const scale${r} = v128.load32_splat(${x}, XQ_SCALE);
    const sum${r} = ${min ? `v128.load32_splat(${x}, XQ_SCALED_SUM)` : `scale${r}`};
    const half${r} = ${half};
    const to${r} = ${sums};
    ${panelsSums.join('\n')}`;
  })}`;
}

/** Two rows and some blocks of two panels: weights are loaded and unpacked once for both. */
const TWO_ROWS = 'x: usize, other: usize, w: usize, step: usize, blocks: i32, zero: i32, sums: usize';

const twoRows = (layout: LayoutRow) => `
  ${constants(layout)}
  const shift = opaque(-${zeroOf(layout)});
  const half = opaque(PLACED_HALF);
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += ${blockBytes(layout)}) {
    ${wideBlock(
      layout,
      [
        { x: 'x', sums: 'sums' },
        { x: 'other', sums: 'sums + ROW_SUMS' },
      ],
      'FOUR_ROWS',
      'w',
    )}
  }`;

/** Layouts with a kernel for two rows. */
const OF_TWO_ROWS = LAYOUTS.filter((layout) => !layout.table && !layout.signed && !hasNibbleHalves(layout));

export const fewRows = () => `
${functions('row', ROW, LAYOUTS, row)}
${functions('rowOfStreams', STREAMS, LAYOUTS, rowOfStreams)}
${functions('twoRows', TWO_ROWS, OF_TWO_ROWS, twoRows)}

// @inline
export function oneRow(layout: i32, ${ROW}): void {
  ${switchLayout(({ name }) => call(`row${name}`, ROW))}
}

// @inline
export function oneRowOfStreams(layout: i32, ${STREAMS}): void {
  ${switchLayout(({ name }) => call(`rowOfStreams${name}`, STREAMS))}
}

// @inline
export function takesTwoRows(layout: i32): bool {
  return !(${isOneOf(LAYOUTS.filter((row) => !OF_TWO_ROWS.includes(row)))});
}

// @inline
export function twoRowsOfTwoPanels(layout: i32, ${TWO_ROWS}): void {
  ${each(OF_TWO_ROWS, ({ name }, index) => {
    const last = index === OF_TWO_ROWS.length - 1;
    return `${last ? '' : `if (layout == LAYOUT_${name})`} ${call(`twoRows${name}`, TWO_ROWS)} ${last ? '' : 'else'}`;
  })}
}`;
