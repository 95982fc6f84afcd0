/**
 * Kernels of six-bit codes where they differ: three vectors hold the codes of four, and each half of a block has its own
 * scales and code of weight 0, which is 32.
 */
import { each, plus } from './text.ts';

const HALVES = [0, 1];
const PANEL = [0, 1];
const SHIFTS = ['low', 'high'];

/** The names of what a quarter of a block is made of. */
interface Quarter {
  readonly x: string;
  readonly codes: string;
  readonly scales: string;
  readonly shift: string;
}

/** 32 times the sums of the activations of each half. */
const shifts = (x: string) => `
  const low = i32x4.shl(v128.load32_splat(${x}, XQ_LOW_SUM), 5);
  const high = i32x4.sub(i32x4.shl(v128.load32_splat(${x}, XQ_SUM), 5), low);`;

/**
 * A block, by quarters: of each half the vectors of four rows. Conditions that are never true stand between them: they only
 * keep V8 from loading all before it computes, for which there are too few registers.
 */
function quarters(w: string, never: readonly string[], add: (quarter: Quarter, v: number) => string) {
  return `
  const scale = v128.load32_splat(x, XQ_SCALE);
  ${shifts('x')}
  ${each([0, 1, 2, 3], (quarter) => {
    const [half, v] = [quarter >> 1, quarter & 1];
    const x = half ? 'x + 16' : 'x';
    const [codes, scales] = [`codes${quarter}`, `scales${quarter}`];
    return `const ${codes} = ${w} + ${32 + 96 * half + 16 * v};
  const ${scales} = ${plus(w, 16 * half + 8 * v)};
  ${add({ x, codes, scales, shift: SHIFTS[half]! }, v)}
  ${never[quarter] ?? ''}`;
  })}`;
}

/** One row and one panel, whose sums stay in registers. */
export const rowOfSixBits = () => `
  const mask = opaque(SIX_BITS);
  const half = opaque(PLACED_HALF);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    ${quarters(
      'w',
      ['w', 'x', 'blocks'].map((name) => `if (!${name}) break;`),
      ({ x, codes, scales, shift }, v) => {
        return `y${v} = addScaled(y${v}, i32x4.sub(sixBits(${x}, ${codes}, mask), ${shift}), ${scales}, scale, half);`;
      },
    )}
    w += 224;
    x += XQ_BLOCK;
  }
  storeScaled(op, row, panel, y0, y1);`;

/** One row and a block of two panels, at the end of a loop. */
export const sixBitsOfTwoPanels = (w: string, sums: string) =>
  quarters(
    w,
    [w, 'x', sums].map((name) => `if (!${name}) continue;`),
    ({ x, codes, scales, shift }, v) => {
      const products = (more: string) => `i32x4.sub(sixBits(${x}, ${codes}${more}, mask), ${shift}), ${scales}${more}`;
      return `{
    const to = ${plus(sums, 16 * v)};
    addToSums(to, ${products('')}, scale, false, scale, half);
    addToSums(to + ROW_SUMS, ${products(' + step')}, scale, false, scale, half);
  }`;
    },
  );

/** The same, written as base/wide.ts says. @param next from the first panel's sums to the second's */
export const wideSixBits = (x: string, w: string, sums: string, next: string) => `{
  ${shifts(x)}
  ${each(
    HALVES,
    (half) => `{
    const inputs = ${plus(x, 16 * half)};
    const scales = ${plus(w, 16 * half)};
    const codes = ${w} + ${32 + 96 * half};
    const others = codes + step;
    ${each([0, 1, 2, 3], (i) => `const x${i} = v128.load32_splat(inputs, ${4 * i});`)}
    ${each(
      ['codes', 'others'],
      (panel, p) => `${each(['a', 'b', 'c'], (name, part) => {
        return each(PANEL, (v) => `const ${name}${p}${v} = v128.load(${panel}, ${32 * part + 16 * v});`);
      })}
    ${each(PANEL, (v) => `const s${p}${v} = sixteenSixBits(x0, x1, x2, x3, a${p}${v}, b${p}${v}, c${p}${v}, mask);`)}`,
    )}
    const scale = v128.load32_splat(${x}, XQ_SCALE);
    ${each(PANEL, (p) => {
      const integers = PANEL.map((v) => `i32x4.sub(s${p}${v}, ${SHIFTS[half]!})`).join(', ');
      const [from, to] = p ? ['scales + step', `${sums} + ${next}`] : ['scales', sums];
      return `addPanel(scale, scale, ${from}, false, ${integers}, ${to}, half);`;
    })}
  }`,
  )}
}`;

/** Blocks as a tile. */
export const unpackSixBits = () => `
  const mask = opaque(SIX_BITS);
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += 32;
    to += 32;
    // Two halves of each four rows.
    for (let i: usize = 0; i < 4; i++) {
      const codes = from + (i >> 1) * 96 + (i & 1) * 16;
      const at = to + (i >> 1) * 128 + (i & 1) * 16;
      const a = v128.load(codes);
      const b = v128.load(codes, 32);
      const c = v128.load(codes, 64);
      v128.store(at, v128.and(a, mask));
      v128.store(at, v128.and(b, mask), 32);
      v128.store(at, v128.and(c, mask), 64);
      v128.store(at, fourthOfSixBits(a, b, c, mask), 96);
    }
    from += 192;
    to += 256;
  }`;
