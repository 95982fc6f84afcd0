/**
 * Scores of up to four queries with the keys of a chunk. A score of float32 or binary16 is four chains of multiply-adds over
 * the head's values, added in one order, whatever is computed beside it. A score of 8-bit codes is an exact integer.
 */
import { type Form, FORMS, type AttentionKernel, choose, kernels, value4, ZERO } from './attention-forms.ts';
import { each, functions, upTo, when } from './text.ts';

const SCORE = 'q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize';
const CODES = 'q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize';
const FEW = 'q: usize, keys: usize, ahead: usize, from: i32, to: i32, width: usize, scores: usize';
const NAMES = ['a', 'b', 'c', 'd'];

const mask = (form: Form) => when(form === 'half', 'const mask = opaque(PLACED_HALF);');
const lets = (names: readonly string[], count: number) =>
  each(names, (name) => each(upTo(count), (n) => `let ${name}${n} = ${ZERO};`));
/** Keys one after the other; what is past the last is the last one again. */
const keysFrom = (count: number, keyword: string) =>
  each(upTo(count), (n) => `${keyword} k${n} = keys + <usize>${n ? `min(i + ${n}, last)` : 'i'} * bytes;`);
const sumsOf = (name: string, first = 0) =>
  `sums4(${upTo(4)
    .map((n) => `${name}${n + first}`)
    .join(', ')})`;
const bytes = (form: Form) => `const bytes = width${when(form === 'half', ' >> 1')};`;

/** Two keys at a time, for three or four queries; of codes for all. */
function pairsOfKeys({ queries, form }: AttentionKernel): string {
  const all = upTo(queries);
  const codes = form === 'codes';
  const sum = (name: string, key: string) =>
    codes ? `${name} = i32x4.add(${name}, i32x4.dot_i16x8_s(v, ${key}));` : `${name} = madd(v, ${key}, ${name});`;
  const value = (key: string, index: number) =>
    codes ? `v128.load8x8_s(${key}, ${8 * index})` : value4(form, key, index);
  const name = (letter: string, query: number) => (query < queries ? `${letter}${query}` : ZERO);
  const sums = (first: number) =>
    `sums4${when(codes, 'OfCodes')}(${[name('a', first), name('b', first), name('a', first + 1), name('b', first + 1)].join(', ')})`;
  const scaled = (first: number) => (codes ? `f32x4.mul(f32x4.convert_i32x4_s(${sums(first)}), scale)` : sums(first));
  const pairs = [0, 2].filter((first) => first < queries);
  const found = (first: number) => `const scores${first} = ${scaled(first)};`;
  const stored = (first: number) =>
    each(
      all.filter((j) => (j & 2) === first),
      (j) => `v128.store64_lane(s + ${j} * SCORE_STRIDE, scores${first}, ${j & 1});`,
    );
  const step = form === 'float' ? 32 : 16;
  return `
  ${mask(form)}
  ${codes ? '// Queries are as far apart as their float32 were.\nconst width = values * 4; const bytes = values + 4;' : bytes(form)}
  for (let i = from; i < to; i += 2) {
    let k = keys + <usize>i * bytes;
    let l = keys + <usize>min(i + 1, to - 1) * bytes;
    ${each(all, (j) => `let q${j} = ${j ? `q${j - 1} + width` : 'q'};`)}
    ${lets(['a', 'b'], queries)}
    for (const end = q + ${codes ? 'values * 2' : 'width'}; q0 < end; ) {
      let v: v128;
      ${each(
        [0, 1],
        (index) => `const x${index} = ${value('k', index)};
      const y${index} = ${value('l', index)};
      ${each(all, (j) => {
        const next = when(codes && index && j, `q${j} += 32;`);
        return `v = v128.load(q${j}, ${16 * index}); ${sum(`a${j}`, `x${index}`)} ${sum(`b${j}`, `y${index}`)} ${next}`;
      })}`,
      )}
      ${when(codes, 'q0 += 32;')}
      k += ${step};
      l += ${step};
      ${when(
        !codes,
        each(all, (j) => `q${j} += 32;`),
      )}
    }
    const s = scores + <usize>i * 4;
    ${when(codes, '// Twice the scales of both keys.\nconst scale = v128.load64_splat(scales + <usize>i * 4);')}
    ${codes ? each(pairs, (first) => found(first) + stored(first)) : each(pairs, found) + each(pairs, stored)}
  }`;
}

/** Four keys at a time, for one or two queries. */
function foursOfKeys({ queries, form }: AttentionKernel): string {
  const names = NAMES.slice(0, queries);
  return `
  ${mask(form)}
  const q1 = q + width;
  const last = to - 1;
  ${bytes(form)}
  for (let i = from; i < to; i += 4) {
    ${keysFrom(4, 'const')}
    ${lets(names, 4)}
    for (let at: usize = 0; at < width; at += 16) {
      ${each(names, (_, j) => `const v${j} = v128.load(${j ? 'q1' : 'q'} + at);`)}
      let x: v128;
      ${each(
        upTo(4),
        (n) => `x = ${value4(form, `k${n} + ${form === 'half' ? '(at >> 1)' : 'at'}`, 0)};
      ${each(names, (name, j) => `${name}${n} = madd(v${j}, x, ${name}${n});`)}`,
      )}
    }
    const s = scores + <usize>i * 4;
    ${each(names, (name, j) => `v128.store(s + ${j} * SCORE_STRIDE, ${sumsOf(name)});`)}
  }`;
}

// The rest is written as base/wide.ts says. Two scores are side by side in 256 bits, never two parts of one, so that their
// sums keep their order.

/** Values 4 x `index` and on of two keys side by side: `first` of the key at `from`. @param loaded both, of binary16 */
function beside(form: Form, first: boolean, loaded: readonly [string, string], from: string, index: number): string {
  if (form === 'float') return `v128.load(${from}, ${16 * index})`;
  const pair = `v128.shuffle<i64>(${loaded.join(', ')}, ${index}, ${index + 2})`;
  return `placedHalf4(i32x4.extend_${first ? 'low' : 'high'}_i16x8_s(${pair}), mask)`;
}

/**
 * Three or four interleaved queries, four values each and each of these twice in a row, with four keys: 0 beside 2, and
 * 1 beside 3. With `ahead`, keys are read from four streams, and what is so many bytes after them is fetched meanwhile.
 */
function wideFours({ queries, form }: AttentionKernel): string {
  const names = NAMES.slice(0, queries);
  const half = form === 'half';
  const sums = (letter: number, key: number) => {
    const of = (name?: string) => (name ? `${name}${key}, ${name}${key + 1}` : `${ZERO}, ${ZERO}`);
    return `sums4(${of(names[letter])}, ${of(names[letter + 1])})`;
  };
  return `
  const last = to - 1;
  ${bytes(form)}
  ${mask(form)}
  const quarter = ahead ? quarterOf(to - from) : 0;
  const rest = from + 4 * quarter;
  let fetched = 0;
  for (let i = from; i < to; i += 4) {
    const first = i < rest ? from + ((i - from) >> 2) : i;
    const apart = i < rest ? quarter : 1;
    let k0 = keys + <usize>first * bytes;
    ${each([1, 2, 3], (n) => `let k${n} = keys + <usize>min(first + ${n} * apart, last) * bytes;`)}
    if (ahead) fetched |= ${upTo(4)
      .map((n) => `fetch(k${n} + ahead, bytes)`)
      .join(' | ')};
    let at = q;
    ${lets(names, 4)}
    for (const end = k0 + bytes; k0 < end; ) {
      ${when(
        half,
        each([0, 2, 1, 3], (n) => `const h${n} = v128.load(k${n});`),
      )}
      let v: v128;
      let w: v128;
      ${each(
        [0, 1],
        (index) => `
      ${each(
        [0, 1],
        (n) => `const x${index}${n} = ${beside(form, true, [`h${n}`, `h${n + 2}`], `k${n}`, index)};
      const x${index}${n + 2} = ${beside(form, false, [`h${n}`, `h${n + 2}`], `k${n + 2}`, index)};`,
      )}
      ${each(
        names,
        (name, j) => `v = v128.load(at, ${128 * index + 32 * j});
      w = v128.load(at, ${128 * index + 32 * j + 16});
      ${each([0, 2, 1, 3], (n) => `${name}${n} = madd(${n < 2 ? 'v' : 'w'}, x${index}${n}, ${name}${n});`)}`,
      )}`,
      )}
      ${each(upTo(4), (n) => `k${n} += ${half ? 16 : 32};`)}
      at += 256;
    }
    const s = scores + <usize>i * 4;
    storeFours(s, ${sums(0, 0)}, ${sums(0, 2)}, true);
    storeFours(s + 2 * SCORE_STRIDE, ${sums(2, 0)}, ${sums(2, 2)}, ${queries === 4});
  }
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(scores, fetched, SCORE_STRIDE - 4);`;
}

/** One or two queries in the same form, with eight keys: 0 beside 4, and so on. */
function wideEights({ queries, form }: AttentionKernel): string {
  const names = NAMES.slice(0, queries);
  const half = form === 'half';
  return `
  const last = to - 1;
  ${bytes(form)}
  ${mask(form)}
  for (let i = from; i < to; i += 8) {
    ${keysFrom(8, 'const')}
    let group = q;
    ${lets(names, 8)}
    for (let at: usize = 0; at < bytes; at += ${half ? 8 : 16}) {
      ${each(names, (_, j) => `const v${j} = v128.load(group, ${32 * j}); const w${j} = v128.load(group, ${32 * j + 16});`)}
      ${each(
        upTo(4),
        (n) => `
      ${when(half, `const h${n} = v128.load64_zero(k${n} + at); const h${n + 4} = v128.load64_zero(k${n + 4} + at);`)}
      const x${n} = ${beside(form, true, [`h${n}`, `h${n + 4}`], `k${n} + at`, 0)};
      const y${n} = ${beside(form, false, [`h${n}`, `h${n + 4}`], `k${n + 4} + at`, 0)};
      ${each(names, (name, j) => `${name}${n} = madd(v${j}, x${n}, ${name}${n}); ${name}${n + 4} = madd(w${j}, y${n}, ${name}${n + 4});`)}`,
      )}
      group += QUERY_GROUP;
    }
    const s = scores + <usize>i * 4;
    storePair(s, ${sumsOf('a')}, ${sumsOf('a', 4)});
    ${when(
      queries === 2,
      `v128.store(s, ${sumsOf('b', 4)}, SCORE_STRIDE + 16);
    v128.store(s, ${sumsOf('b')}, SCORE_STRIDE);`,
    )}
  }`;
}

/** More queries, in interleaved pairs, four values each, with one key twice; four keys at a time. */
function widePairs({ queries, form }: AttentionKernel): string {
  const names = NAMES.slice(0, queries);
  return `
  const last = to - 1;
  ${bytes(form)}
  for (let i = from; i < to; i += 4) {
    ${keysFrom(4, 'let')}
    let first = q;
    ${when(queries === 4, 'let second = q + 2 * width;')}
    ${lets(names, 4)}
    for (const end = k0 + width; k0 < end; ) {
      let x: v128;
      ${each(
        [0, 1],
        (index) => `
      ${each(names, (name, j) => `const v${index}${name} = v128.load(${j < 2 ? 'first' : 'second'}, ${32 * index + 16 * (j & 1)});`)}
      ${each(
        upTo(4),
        (n) => `x = v128.load(k${n}, ${16 * index});
      ${each(names, (name) => `${name}${n} = madd(v${index}${name}, x, ${name}${n});`)}`,
      )}`,
      )}
      ${each(upTo(4), (n) => `k${n} += 32;`)}
      first += 64;
      ${when(queries === 4, 'second += 64;')}
    }
    storePairOfScores(scores + <usize>i * 4, ${sumsOf('a')}, ${sumsOf('b')});
    ${when(queries === 4, `storePairOfScores(scores + 2 * SCORE_STRIDE + <usize>i * 4, ${sumsOf('c')}, ${sumsOf('d')});`)}
  }`;
}

const FLOATS = kernels(FORMS);
const OF_CODES = kernels(['codes']);
const PAIRS = kernels(['float']).filter(({ queries }) => queries === 4 || queries === 2);

export const scores = (): string => `
${functions('score', SCORE, FLOATS, (kernel) => (kernel.queries > 2 ? pairsOfKeys : foursOfKeys)(kernel))}
/** Scores of at most four queries and keys \`from\` up to \`to\`, and perhaps three more. @param keys where key 0 would be */
export function score(half: bool, queries: i32, ${SCORE}): void {
  ${choose('score', SCORE, FLOATS)}
}

${functions('scoreCodes', CODES, OF_CODES, pairsOfKeys)}
/** The same without the queries' scales. @param values of a key, a multiple of 8 @param scales of the keys */
export function scoreCodes(queries: i32, ${CODES}): void {
  ${choose('scoreCodes', CODES, OF_CODES)}
}

${functions('scoreFew', FEW, FLOATS, (kernel) => (kernel.queries > 2 ? wideFours : wideEights)(kernel))}
${functions('scorePairs', SCORE, PAIRS, widePairs)}
/**
 * As \`score\`; writes up to seven scores more. Those of few queries need \`inOrder\` where \`isApart\`.
 * @param ahead bytes from keys to what is read after them and fetched meanwhile; 0: nothing is, and keys are read in order
 */
export function scoreWide(half: bool, few: bool, queries: i32, ${FEW}): void {
  if (few) {
    ${choose('scoreFew', FEW, FLOATS)}
    return;
  }
  if (queries == 4) scorePairsFour(q, keys, from, to, width, scores);
  else if (queries > 1) scorePairsTwo(q, keys, from, to, width, scores);
  const rest = <usize>queries - 1;
  if (queries & 1) scoreOne(q + rest * width, keys, from, to, width, scores + rest * SCORE_STRIDE);
}`;
