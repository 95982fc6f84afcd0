/** The module `generated` of src-main/kernels/attention: everything that is multiplied out by queries and forms. */
import { choose, FORMS, type AttentionKernel, kernels, value4, ZERO } from './attention-forms.ts';
import { scores } from './attention-scores.ts';
import { each, functions, plus, upTo, when } from './text.ts';

const WEIGH = 'p: usize, values: usize, count: i32, width: usize, out: usize';
const CODES = 'p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize';
const NAMES = ['a', 'b', 'c', 'd'];

/** Eight values of each output at a time for three or four queries, sixteen for one or two. */
function weigh({ queries, form }: AttentionKernel): string {
  const all = upTo(queries);
  const vectors = upTo(queries > 2 ? 2 : 4);
  const bytes = 16 * vectors.length;
  const weight = (j: number) => `const w${j} = v128.load32_splat(p0, ${j} * SCORE_STRIDE);`;
  const value = (v: number) => `const x${v} = ${value4(form, 'entry', v)};`;
  const sum = (j: number, v: number) => `${NAMES[j]!}${v} = madd(w${j}, x${v}, ${NAMES[j]!}${v});`;
  return `
  ${when(form === 'half', 'const mask = opaque(PLACED_HALF);')}
  for (let at: usize = 0; at < width; at += ${bytes}) {
    ${each(all, (j) => each(vectors, (v) => `let ${NAMES[j]!}${v} = ${ZERO};`))}
    let p0 = p;
    let entry = values + ${form === 'half' ? '(at >> 1)' : 'at'};
    const bytes = width${when(form === 'half', ' >> 1')};
    for (const end = p + <usize>count * 4; p0 < end; p0 += 4, entry += bytes) {
      ${
        queries > 2
          ? `${each(vectors, value)} ${each(all, (j) => `${weight(j)} ${each(vectors, (v) => sum(j, v))}`)}`
          : `${each(all, weight)} ${each(vectors, (v) => `${value(v)} ${each(all, (j) => sum(j, v))}`)}`
      }
    }
    ${each(all, (j) => {
      const next = queries > 2 ? `o${j - 1} + width` : 'out + width + at';
      return `const o${j} = ${j ? next : 'out + at'};
      ${each(vectors, (v) => `v128.store(o${j}, ${NAMES[j]!}${v}, ${16 * v});`)}`;
    })}
  }`;
}

/**
 * Outputs from byte `at` on, written as base/wide.ts says: `blocks` of sixteen values each, whose eight neighbouring ones are
 * side by side. @param blocks times queries at most 4
 */
function wideBlocks({ queries, form }: AttentionKernel, blocks: number): string {
  const groups = upTo(queries * blocks);
  const query = (group: number) => group % queries;
  const block = (group: number) => Math.floor(group / queries);
  const weight = (j: number) => `const w${j} = v128.load32_splat(p0, ${j} * SCORE_STRIDE);`;
  const stored = (group: number) => {
    const [o, name] = [plus('o', 64 * block(group)), NAMES[group]!];
    return `storeBlock(${o}${when(query(group), ` + ${query(group)} * width`)}, ${name}0, ${name}1, ${name}2, ${name}3);`;
  };
  return `
  for (; at + ${64 * blocks} <= width; at += ${64 * blocks}) {
    ${each(groups, (g) => each(upTo(4), (v) => `let ${NAMES[g]!}${v} = ${ZERO};`))}
    let entry = values + ${form === 'half' ? '(at >> 1)' : 'at'};
    let p0 = p;
    for (const end = p + <usize>count * 4; p0 < end; p0 += 4, entry += bytes) {
      ${each(groups, (g) => {
        const first = `const entry${block(g)} = ${plus('entry', (form === 'half' ? 32 : 64) * block(g))};`;
        const loads = each(upTo(4), (v) => `const x${block(g)}${v} = ${value4(form, `entry${block(g)}`, v)};`);
        return `${when(query(g) === 0, first + loads)}
      ${when(g === 0, each(upTo(Math.min(queries, 2)), weight))} ${when(block(g) === 0 && g > 1, weight(g))}
      ${each(upTo(4), (v) => `${NAMES[g]!}${v} = madd(w${query(g)}, x${block(g)}${v}, ${NAMES[g]!}${v});`)}`;
      })}
    }
    const o = out + at;
    ${each(groups, stored)}
  }`;
}

const wide = (kernel: AttentionKernel) => `
  ${when(kernel.form === 'half', 'const mask = opaque(PLACED_HALF);')}
  const bytes = width${when(kernel.form === 'half', ' >> 1')};
  let at: usize = 0;
  ${when(kernel.queries < 3, wideBlocks(kernel, 4 / kernel.queries))}
  ${wideBlocks(kernel, 1)}`;

/** Two values of the context and eight values of each output at a time: codes, and sums that are exact integers. */
function weighCodes({ queries }: AttentionKernel): string {
  const all = upTo(queries);
  return `
  const bytes = values + 4;
  const first = from & ~1;
  for (let at: usize = 0; at < values; at += 8) {
    ${each(['a', 'b'], (name) => each(all, (j) => `let ${name}${j} = i32x4.splat(0);`))}
    let w = p + <usize>first * 2;
    // Entries before \`from\` and from \`to\` on may not be there: what is read instead has weight 0.
    let v = entries + <usize>max(first, from) * bytes + at;
    for (let i = first; i < to; i += 2, w += 4) {
      const l = i + 1 < to ? v + (i >= from ? bytes : 0) : v;
      const x = v128.load8x8_s(v);
      const y = v128.load8x8_s(l);
      const low = v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
      const high = v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
      v = l + bytes;
      let c: v128;
      ${each(
        all,
        (j) => `c = v128.load32_splat(w, ${j} * SCORE_STRIDE);
      a${j} = i32x4.add(a${j}, i32x4.dot_i16x8_s(c, low));
      b${j} = i32x4.add(b${j}, i32x4.dot_i16x8_s(c, high));`,
      )}
    }
    const o = out + at * 4;
    const stride = values * 4;
    ${each(all, (j) => `store8(o${when(j, ` + ${j} * stride`)}, a${j}, b${j}, ${plus('stats', 16 * j)});`)}
  }`;
}

const FLOATS = kernels(FORMS);
const OF_CODES = kernels(['codes']);

export const attention = (): string => `
import { ATTENTION_SCORE_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { fetch } from '../base/copy';
import { madd, PLACED_HALF, placedHalf4 } from '../base/math';
import { opaque, storePair } from '../base/wide';
import { store8, sums4OfCodes } from './codes';
import { QUERY_GROUP, quarterOf, storeBlock, storeFours, storePairOfScores, sums4 } from './vectors';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
${scores()}

${functions('weighNarrow', WEIGH, FLOATS, weigh)}
${functions('weighWide', WEIGH, FLOATS, wide)}
/**
 * out = sum of p[i] times value i, for i from \`from\` up to \`to\`, of at most four queries; \`width\` bytes for each.
 * @param values where value 0 would be
 */
export function weigh(half: bool, queries: i32, p: usize, values: usize, from: i32, to: i32, width: usize, out: usize): void {
  p += <usize>from * 4;
  values += <usize>from * (half ? width >> 1 : width);
  const count = to - from;
  if (WIDE) {
    ${choose('weighWide', WEIGH, FLOATS)}
    return;
  }
  ${choose('weighNarrow', WEIGH, FLOATS)}
}

${functions('weighCodes', CODES, OF_CODES, weighCodes)}
/**
 * The same of codes.
 * @param p codes of weights; that of entry \`to\` is 0 when there is one more in its pair
 * @param stats of the queries, 16 bytes each; the third float32 is the scale of the weights' products
 */
export function weighCodes(queries: i32, ${CODES}): void {
  ${choose('weighCodes', CODES, OF_CODES)}
}
`;
