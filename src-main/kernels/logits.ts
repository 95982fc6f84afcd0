/** What a reply asks of all logits of a token, `[count]` float32 at `at`, where they lie. */
/** 2 to the power of less is nothing beside 1. */
const LOWEST: f64 = -1000;
const LOG2_E: f64 = 1.4426950408889634;
/**
 * 1.5 * 2^52, which added to a float64 of less than 2^51 leaves the nearest integer, ties to even, in the low bits; and
 * the bias of its exponent.
 */
const ROUNDING: f64 = 6755399441055744 + 1023;

/** a * b + c; fused where relaxed SIMD is there. */
// @ts-ignore: decorator
@inline
function madd64(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** e^d for d <= 0, relative error below 2e-12. NaN stays NaN. */
// @ts-ignore: decorator
@inline
function exponential2(d: v128): v128 {
  // A NaN as the first operand of pmax stays.
  const x = f64x2.pmax(f64x2.mul(d, f64x2.splat(LOG2_E)), f64x2.splat(LOWEST));
  const shifted = f64x2.add(x, f64x2.splat(ROUNDING));
  const r = f64x2.sub(x, f64x2.sub(shifted, f64x2.splat(ROUNDING)));
  // 2^r for |r| <= 1/2: the polynomial through 2^r at the nine Chebyshev nodes.
  let p = madd64(f64x2.splat(1.3255224878668817e-6), r, f64x2.splat(1.5310079402249296e-5));
  p = madd64(p, r, f64x2.splat(1.5403455852453838e-4));
  p = madd64(p, r, f64x2.splat(1.3333450568000645e-3));
  p = madd64(p, r, f64x2.splat(9.618129159402558e-3));
  p = madd64(p, r, f64x2.splat(5.550410941205933e-2));
  p = madd64(p, r, f64x2.splat(0.2402265069581299));
  p = madd64(p, r, f64x2.splat(0.6931471805459335));
  p = madd64(p, r, f64x2.splat(1));
  return f64x2.mul(p, i64x2.shl(shifted, 52));
}

/** The sum of e^(logit - highest) in float64, relative error below 2e-12. NaN when a logit is NaN or the highest infinite. */
export function logitExponentials(at: usize, count: i32, highest: f32): f64 {
  const end = at + <usize>(count & ~3) * 4;
  const shift = f64x2.splat(<f64>highest);
  let a = f64x2.splat(0);
  let b = a;
  for (; at < end; at += 16) {
    const x = v128.load(at);
    a = f64x2.add(a, exponential2(f64x2.sub(f64x2.promote_low_f32x4(x), shift)));
    const y = v128.shuffle<i32>(x, x, 2, 3, 2, 3);
    b = f64x2.add(b, exponential2(f64x2.sub(f64x2.promote_low_f32x4(y), shift)));
  }
  for (let rest = count & 3; rest > 0; rest--, at += 4) {
    const d = f64x2.replace_lane(f64x2.splat(-Infinity), 0, <f64>load<f32>(at) - <f64>highest);
    a = f64x2.add(a, exponential2(d));
  }
  const sum = f64x2.add(a, b);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Logits that come before the one of `id`: those that are higher, and of equal ones those with a lower id. */
export function logitsBefore(at: usize, count: i32, id: i32): i32 {
  const own = load<f32>(at + <usize>id * 4);
  const owns = f32x4.splat(own);
  const equalEnd = at + <usize>(id & ~3) * 4;
  const wholeEnd = at + <usize>(count & ~3) * 4;
  const end = at + <usize>count * 4;
  // A comparison gives -1 for true.
  let above = i32x4.splat(0);
  let i = at;
  for (; i < equalEnd; i += 16) above = i32x4.sub(above, f32x4.ge(v128.load(i), owns));
  let before = 0;
  // Up to `id` and from there to the next four, one by one.
  for (const place = at + <usize>id * 4; i < place; i += 4) before += i32(load<f32>(i) >= own);
  for (; i < end && (i - at) & 15; i += 4) before += i32(load<f32>(i) > own);
  for (; i < wholeEnd; i += 16) above = i32x4.sub(above, f32x4.gt(v128.load(i), owns));
  for (; i < end; i += 4) before += i32(load<f32>(i) > own);
  return (
    before +
    i32x4.extract_lane(above, 0) +
    i32x4.extract_lane(above, 1) +
    i32x4.extract_lane(above, 2) +
    i32x4.extract_lane(above, 3)
  );
}

/**
 * Writes the ids of the `wanted` highest logits to `ids`, best first; of equal ones the lower id comes first. A short
 * list that is kept in order: for few of many. None may be NaN.
 * @param wanted from 1 to `count`
 */
export function topLogits(at: usize, count: i32, wanted: i32, ids: usize): void {
  for (let id = 0; id < wanted; id++) insert(at, id, ids, id);
  let lowest = lowestOf(at, ids, wanted);
  let lowests = f32x4.splat(lowest);
  let id = wanted;
  while (id < count) {
    // Hardly any group of four has one that is good enough.
    if (id + 4 <= count && !v128.any_true(f32x4.gt(v128.load(at + <usize>id * 4), lowests))) {
      id += 4;
      continue;
    }
    for (const end = min(id + 4, count); id < end; id++) {
      if (!(load<f32>(at + <usize>id * 4) > lowest)) continue;
      insert(at, id, ids, wanted - 1);
      lowest = lowestOf(at, ids, wanted);
    }
    lowests = f32x4.splat(lowest);
  }
}

// @ts-ignore: decorator
@inline
function lowestOf(at: usize, ids: usize, length: i32): f32 {
  return load<f32>(at + <usize>load<i32>(ids + <usize>(length - 1) * 4) * 4);
}

/** Puts `id` into the ordered list of `length` ids, which has room for one more, behind its equals. */
function insert(at: usize, id: i32, ids: usize, length: i32): void {
  const own = load<f32>(at + <usize>id * 4);
  let place = ids + <usize>length * 4;
  while (place > ids) {
    const other = load<i32>(place - 4);
    if (load<f32>(at + <usize>other * 4) >= own) break;
    store<i32>(place, other);
    place -= 4;
  }
  store<i32>(place, id);
}
