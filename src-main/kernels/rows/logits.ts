/** What a reply asks of all logits of a token, `[count]` float32 at `at`, where they lie. */
import { LOGIT_BLOCK, OP_WIDTH, OP_X, OP_X_STRIDE, OP_Y, OP_Y_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { exponentials } from '../attention/passes';
import { copyVectors } from '../base/copy';
import { exp4, max4, sum4 } from '../base/math';

/** Panels of a block, and bytes of its logits. */
const PANELS: i32 = LOGIT_BLOCK / 8;
const BYTES: usize = LOGIT_BLOCK * 4;

/**
 * Of each block of logits whose first panel is one of `from` up to `to`: the highest, and the sum of e^(logit - highest),
 * relative error below 1e-6. Blocks are the same for everybody, and so is what is added up of them.
 * @param buffer for the logits of a block
 */
export function sumLogitRows(op: usize, rows: i32, from: i32, to: i32, buffer: usize): void {
  const count = load<i32>(op, OP_WIDTH);
  const end = min((to + PANELS - 1) / PANELS, blocksOf(count));
  for (let row = 0; row < rows; row++) {
    const x = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
    const highests = <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE);
    const sums = sumsOf(highests, count);
    for (let block = (from + PANELS - 1) / PANELS; block < end; block++) {
      takeBlock(x, block, count, buffer);
      const highest = highestOf(buffer);
      // Nothing but -Infinity adds up to nothing; a NaN beside it does not.
      const sum = sum4(exponentials(buffer, buffer + BYTES, highest == -Infinity ? 0 : highest, 0));
      store<f32>(highests + <usize>block * 4, highest);
      store<f32>(sums + <usize>block * 4, sum);
    }
  }
}

/** Copies the logits of a block; the last one is filled up with -Infinity. */
// @inline
function takeBlock(x: usize, block: i32, count: i32, buffer: usize): void {
  const at = x + <usize>block * BYTES;
  const length = count - block * LOGIT_BLOCK;
  if (length >= LOGIT_BLOCK) {
    copyVectors(buffer, at, BYTES);
    return;
  }
  for (let i = 0; i < LOGIT_BLOCK; i++)
    store<f32>(buffer + <usize>i * 4, i < length ? load<f32>(at + <usize>i * 4) : -Infinity);
}

/** Of a block; loses a NaN, perhaps, but the sum does not. */
// @inline
function highestOf(at: usize): f32 {
  let highests = v128.load(at);
  for (let i: usize = 16; i < BYTES; i += 16) highests = f32x4.pmax(highests, v128.load(at + i));
  return max4(highests);
}

/**
 * The sum of e^(logit - highest) of all logits, `highest` being the highest of them. NaN when a logit is NaN or that one is
 * infinite.
 * @param highests of the blocks, with their sums behind them
 */
export function logitExponentials(highests: usize, count: i32, highest: f32): f64 {
  const blocks = blocksOf(count);
  const top = f32x4.splat(highest);
  let sums = sumsOf(highests, count);
  let low = f64x2.splat(0);
  let high = low;
  let block = 0;
  for (; block + 4 <= blocks; block += 4, highests += 16, sums += 16) {
    const part = f32x4.mul(exp4(f32x4.sub(v128.load(highests), top)), v128.load(sums));
    low = f64x2.add(low, f64x2.promote_low_f32x4(part));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(part, part, 2, 3, 2, 3)));
  }
  low = f64x2.add(low, high);
  let total = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (; block < blocks; block++, highests += 4, sums += 4) {
    total += <f64>(f32x4.extract_lane(exp4(f32x4.splat(load<f32>(highests) - highest)), 0) * load<f32>(sums));
  }
  return total;
}

// @inline
function blocksOf(count: i32): i32 {
  return (count + LOGIT_BLOCK - 1) / LOGIT_BLOCK;
}

// @inline
function sumsOf(highests: usize, count: i32): usize {
  return highests + <usize>((blocksOf(count) + 3) >> 2) * 16;
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
  for (const position = at + <usize>id * 4; i < position; i += 4) before += i32(load<f32>(i) >= own);
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
 * @param highests of the blocks
 * @param wanted from 1 to `count`
 */
export function topLogits(at: usize, highests: usize, count: i32, wanted: i32, ids: usize): void {
  for (let id = 0; id < wanted; id++) insert(at, id, ids, id);
  let lowest = lowestOf(at, ids, wanted);
  let lowests = f32x4.splat(lowest);
  let id = wanted;
  while (id < count) {
    // Hardly any block, or group of four, has one that is good enough.
    if (id % LOGIT_BLOCK == 0 && !(load<f32>(highests + <usize>(id / LOGIT_BLOCK) * 4) > lowest)) {
      id += LOGIT_BLOCK;
      continue;
    }
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

// @inline
function lowestOf(at: usize, ids: usize, length: i32): f32 {
  return load<f32>(at + <usize>load<i32>(ids + <usize>(length - 1) * 4) * 4);
}

/** Puts `id` into the ordered list of `length` ids, which has buffer for one more, behind its equals. */
function insert(at: usize, id: i32, ids: usize, length: i32): void {
  const own = load<f32>(at + <usize>id * 4);
  let position = ids + <usize>length * 4;
  while (position > ids) {
    const other = load<i32>(position - 4);
    if (load<f32>(at + <usize>other * 4) >= own) break;
    store<i32>(position, other);
    position -= 4;
  }
  store<i32>(position, id);
}
