import { type Kernel, kernel, strideOf } from '../shader.ts';

/** Best logits that are read back: enough for most settings, in 2 KiB. Not above `TOP_THREADS`. */
export const TOP_LOGITS = 256;
/** Every adapter allows as many. */
const TOP_THREADS = 256;

/** Words of a row's result before the tokens, each of which has two: its id and the bits of its logit. */
export const TOP_HEADER = { count: 0, notNumbers: 1, highest: 2, sum: 3, chosen: 4, words: 5 } as const;

/** Words of a row's result. */
export function topWords(k: number): number {
  return TOP_HEADER.words + 2 * k;
}

/** WGSL of an exponential. */
export const EXPONENTIAL = `
/** e^x for x <= 0 with a relative error of about 1e-7. WGSL's exp may be off by 3 + 2 |x| ULP. */
fn exponential(x: f32) -> f32 {
  if (!(x > -87.0)) {
    return 0.0;
  }
  let n = round(x * 1.44269504);
  let r = (x - n * 0.693145752) - n * 1.42860677e-6;
  let e = 1.0 + r * (1.0 + r * (0.5 + r * (0.166666667 + r * (0.0416666667 + r * (0.00833333333 + r * 0.00138888889)))));
  return e * bitcast<f32>(u32(i32(n) + 127) << 23u);
}
`;

/** Digits of a key from the highest on: its lowest bit, and how many bits it has. */
const DIGITS = [
  { shift: 21, bits: 11 },
  { shift: 10, bits: 11 },
  { shift: 0, bits: 10 },
] as const;
const BINS = 2 ** 11;
const BINS_PER_THREAD = BINS / TOP_THREADS;

/**
 * The `k` highest logits of each row, unordered, without the lowest if more than `k` have its value; how many are NaN; the
 * highest; the sum of e^(logit - highest) in float32; and the lowest id of the highest ones. Rows of the result have `topWords(k)` words.
 *
 * One workgroup selects the tokens of a row digit by digit, so that this is one dispatch: it reads the logits five times, but
 * from the GPU's cache. Each thread first finds its highest logit. At least as many logits as there are threads reach the
 * lowest of these, so only they are counted, which keeps threads from waiting for the same counter.
 *
 * Logits are compared as integers, because WGSL promises nothing about NaN and infinity.
 *
 * Bindings: logits, result.
 */
export function topLogits(size: number, k: number): Kernel {
  return kernel(
    [
      ['logits', 'array<u32>'],
      ['result', 'array<u32>', 'read_write'],
    ],
    { integers: { size, stride: strideOf(size), k, words: topWords(k) } },
    `
var<workgroup> bins: array<atomic<u32>, ${BINS}>;
var<workgroup> counts: array<u32, ${TOP_THREADS}>;
var<workgroup> sums: array<f32, ${TOP_THREADS}>;
var<workgroup> highest: atomic<u32>;
var<workgroup> bound: atomic<u32>;
var<workgroup> notNumbers: atomic<u32>;
var<workgroup> taken: atomic<u32>;
/** Lowest id with the highest logit. */
var<workgroup> best: atomic<u32>;
var<workgroup> chosen: Chosen;

/** The digit of the lowest wanted key. */
struct Chosen {
  digit: u32,
  /** Wanted keys with this digit. */
  wanted: u32,
  /** All keys with it. */
  count: u32,
}

/** An unsigned integer that is higher for a higher logit. -0 equals 0. */
fn keyOf(bits: u32) -> u32 {
  if (bits == 0x80000000u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
}

fn bitsOf(key: u32) -> u32 {
  return select(~key, key & 0x7fffffffu, key >= 0x80000000u);
}

${EXPONENTIAL}
fn clear(local: u32) {
  workgroupBarrier();
  for (var i = 0u; i < ${BINS_PER_THREAD}u; i += 1u) {
    atomicStore(&bins[local * ${BINS_PER_THREAD}u + i], 0u);
  }
  workgroupBarrier();
}

/** Finds the digit of the \`wanted\`-th highest of the counted keys. */
fn choose(wanted: u32, local: u32) {
  workgroupBarrier();
  let first = local * ${BINS_PER_THREAD}u;
  var own = 0u;
  for (var i = 0u; i < ${BINS_PER_THREAD}u; i += 1u) {
    own += atomicLoad(&bins[first + i]);
  }
  counts[local] = own;
  // Then: of this thread's digits and all higher ones.
  for (var step = 1u; step < ${TOP_THREADS}u; step <<= 1u) {
    workgroupBarrier();
    var others = 0u;
    if (local + step < ${TOP_THREADS}u) {
      others = counts[local + step];
    }
    workgroupBarrier();
    counts[local] += others;
  }
  workgroupBarrier();
  var above = counts[local] - own;
  if (above < wanted && counts[local] >= wanted) {
    for (var i = ${BINS_PER_THREAD}u; i > 0u; i -= 1u) {
      let count = atomicLoad(&bins[first + i - 1u]);
      if (above + count >= wanted) {
        chosen = Chosen(first + i - 1u, wanted - above, count);
        break;
      }
      above += count;
    }
  }
  workgroupBarrier();
}

@compute @workgroup_size(${TOP_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let start = group.z * shape.stride;
  let first = group.z * shape.words;
  if (local == 0u) {
    atomicStore(&bound, 0xffffffffu);
    atomicStore(&best, 0xffffffffu);
  }
  workgroupBarrier();
  var own = 0u;
  for (var i = local; i < shape.size; i += ${TOP_THREADS}u) {
    let bits = logits[start + i];
    own = max(own, keyOf(bits));
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
      atomicAdd(&notNumbers, 1u);
    }
  }
  atomicMax(&highest, own);
  atomicMin(&bound, own);
  clear(local);
  let top = atomicLoad(&highest);
  let least = atomicLoad(&bound);
  let maximum = bitcast<f32>(bitsOf(top));
  var sum = 0.0;
  for (var i = local; i < shape.size; ) {
    // Sums of a few at a time, which rounds less.
    var few = 0.0;
    for (var j = 0u; j < 16u && i < shape.size; j += 1u) {
      let bits = logits[start + i];
      few += exponential(bitcast<f32>(bits) - maximum);
      let key = keyOf(bits);
      if (key >= least) {
        atomicAdd(&bins[key >> ${DIGITS[0].shift}u], 1u);
      }
      i += ${TOP_THREADS}u;
    }
    sum += few;
  }
  sums[local] = sum;
  choose(shape.k, local);
  var prefix = chosen.digit;
${DIGITS.slice(1).map(narrowing).join('')}
  for (var step = ${TOP_THREADS / 2}u; step > 0u; step >>= 1u) {
    if (local < step) {
      sums[local] += sums[local + step];
    }
    workgroupBarrier();
  }
  // All keys that are equal, or none: which of them come first depends on their ids.
  let lowest = select(prefix + 1u, prefix, chosen.count == chosen.wanted);
  for (var i = local; i < shape.size; i += ${TOP_THREADS}u) {
    let bits = logits[start + i];
    let key = keyOf(bits);
    if (key == top) {
      atomicMin(&best, i);
    }
    if (key >= lowest) {
      let at = first + ${TOP_HEADER.words}u + 2u * atomicAdd(&taken, 1u);
      result[at] = i;
      result[at + 1u] = bits;
    }
  }
  workgroupBarrier();
  if (local == 0u) {
    result[first + ${TOP_HEADER.count}u] = atomicLoad(&taken);
    result[first + ${TOP_HEADER.notNumbers}u] = atomicLoad(&notNumbers);
    result[first + ${TOP_HEADER.highest}u] = bitsOf(top);
    result[first + ${TOP_HEADER.sum}u] = bitcast<u32>(sums[0]);
    result[first + ${TOP_HEADER.chosen}u] = atomicLoad(&best);
  }
}
`,
    (rows) => [1, 1, rows],
  );
}

/** Counts the next digit of the keys that begin with `prefix`. */
const narrowing = ({ shift, bits }: (typeof DIGITS)[number]) => `
  clear(local);
  for (var i = local; i < shape.size; i += ${TOP_THREADS}u) {
    let key = keyOf(logits[start + i]);
    if ((key >> ${shift + bits}u) == prefix) {
      atomicAdd(&bins[(key >> ${shift}u) & ${2 ** bits - 1}u], 1u);
    }
  }
  choose(chosen.wanted, local);
  prefix = (prefix << ${bits}u) | chosen.digit;
`;
