/**
 * y = x W^T with weights of 16 bits, float16 or bfloat16, and float32 sums. W lies in panels of 8 rows, two inputs side by
 * side:
 *
 *     u16 w[(inputs + 1) / 2][8][2]     [i][row]: inputs 2i and 2i + 1
 *
 * Bits of a float16 moved into a float32 make 2^-112 of its value, so activations come multiplied by 2^56 and
 * sums leave so: exact, and one multiplication less per weight. A bfloat16 is the upper half of a float32 as it is. Each
 * output is four sums, of every fourth input in order, added in order, whatever the number of rows: fewer chains of
 * additions would wait for each other.
 */
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { storeRows } from '../base/epilogue-rows';
import { firstOfPair, pairMask, secondOfPair } from '../base/half';
import { madd } from '../base/math';
import { apartOf, MANY_ROWS, streamsOf } from '../base/streams';
import { opaque } from '../base/wide';
import { fourRowsWide, unpackBF16Wide, unpackF16Wide } from './linear-wide';
import { factorOf, oneRow, rowsBF16, rowsF16 } from './rows';

/** Rows from which on converting a panel once saves time. */
const FEW_ROWS: i32 = WIDE ? MANY_ROWS : 8;

/**
 * @param brain weights are bfloat16 @param mostStreams see base/streams.ts
 * @param scratch memory for the sums of four rows of eight panels, or of two panels and these panels in float32
 */
export function linearHalf(
  brain: bool,
  op: usize,
  rows: i32,
  from: i32,
  to: i32,
  mostStreams: i32,
  scratch: usize,
): void {
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const width = load<i32>(op, OP_WIDTH);
  const panelBytes = panelBytesHalf(width);
  const tile = scratch + 128;
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  if (rows < FEW_ROWS) {
    const streams = streamsOf(to - from, mostStreams);
    const apart = apartOf(to - from, streams);
    const step = <usize>apart * panelBytes;
    for (const end = from + apart; from < end; from++, w += panelBytes) {
      let x = <usize>load<i32>(op, OP_X);
      for (let row = 0; row < rows; row += 4, x += 4 * stride) {
        if (brain) rowsBF16(op, x, stride, min(rows - row, 4), w, step, width, row, from, streams, apart, scratch);
        else rowsF16(op, x, stride, min(rows - row, 4), w, step, width, row, from, streams, apart, scratch);
      }
    }
    from += (streams - 1) * apart;
    w += <usize>(streams - 1) * step;
  }
  if (WIDE && rows >= 4) {
    for (; from + 2 <= to; from += 2, w += 2 * panelBytes) twoPanels(brain, op, rows, w, stride, width, from, scratch);
  }
  for (let panel = from; panel < to; panel++, w += panelBytes) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    if (rows >= 4) {
      if (brain) unpackBF16(w, width, tile);
      else unpackF16(w, width, tile);
    }
    for (; row + 4 <= rows; row += 4, x += 4 * stride) {
      let part = tile;
      for (let i = 0; i < 4; i++) {
        const inputs = (width + 3 - i) >> 2;
        fourRows(x + <usize>i * 4, stride, part, inputs, scratch, i > 0);
        part += <usize>inputs * 32;
      }
      storeRows(op, row, 4, panel, 1, 1, 0, scratch, factorOf(brain, op));
    }
    for (; row < rows; row++, x += stride) oneRow(brain, op, x, w, width, row, panel, scratch);
  }
}

/** All rows of `panel` and the one after it. */
function twoPanels(
  brain: bool,
  op: usize,
  rows: i32,
  w: usize,
  stride: usize,
  width: i32,
  panel: i32,
  scratch: usize,
): void {
  const next = w + panelBytesHalf(width);
  const tile = scratch + 256;
  let x = <usize>load<i32>(op, OP_X);
  if (brain) {
    unpackBF16Wide(w, width, tile);
    unpackBF16Wide(next, width, tile + 32);
  } else {
    unpackF16Wide(w, width, tile);
    unpackF16Wide(next, width, tile + 32);
  }
  let row = 0;
  for (; row + 4 <= rows; row += 4, x += 4 * stride) {
    let part = tile;
    for (let i = 0; i < 4; i++) {
      const inputs = (width + 3 - i) >> 2;
      fourRowsWide(x + <usize>i * 4, stride, part, inputs, scratch, i > 0);
      part += <usize>inputs * 64;
    }
    storeRows(op, row, 4, panel, 2, 1, 0, scratch, factorOf(brain, op));
  }
  for (; row < rows; row++, x += stride) {
    oneRow(brain, op, x, w, width, row, panel, scratch);
    oneRow(brain, op, x, next, width, row, panel + 1, scratch);
  }
}

/** Bytes of 8 rows. */
// @inline
export function panelBytesHalf(width: i32): usize {
  return <usize>((width + 1) >> 1) * 32;
}

// Functions of their own: V8 gives each its registers.
function unpackF16(w: usize, width: i32, tile: usize): void {
  unpackPanel(false, w, width, tile);
}

function unpackBF16(w: usize, width: i32, tile: usize): void {
  unpackPanel(true, w, width, tile);
}

/** float32 `[inputs 4i, 8]`, then inputs 4i + 1 and so on. */
// @inline
function unpackPanel(brain: bool, w: usize, width: i32, tile: usize): void {
  const up = opaque(0x2000);
  const mask = pairMask(brain);
  const t1 = tile + <usize>((width + 3) >> 2) * 32;
  const t2 = t1 + <usize>((width + 2) >> 2) * 32;
  const t3 = t2 + <usize>((width + 1) >> 2) * 32;
  let at: usize = 0;
  for (const end = <usize>(width >> 2) * 32; at < end; at += 32, w += 64) {
    unpackFirst(brain, up, mask, w, tile + at);
    unpackSecond(brain, mask, w, t1 + at);
    unpackFirst(brain, up, mask, w + 32, t2 + at);
    unpackSecond(brain, mask, w + 32, t3 + at);
  }
  const rest = width & 3;
  if (rest > 0) unpackFirst(brain, up, mask, w, tile + at);
  if (rest > 1) unpackSecond(brain, mask, w, t1 + at);
  if (rest > 2) unpackFirst(brain, up, mask, w + 32, t2 + at);
}

// @inline
function unpackFirst(brain: bool, up: v128, mask: v128, w: usize, to: usize): void {
  v128.store(to, firstOfPair(brain, v128.load(w), up, mask));
  v128.store(to, firstOfPair(brain, v128.load(w, 16), up, mask), 16);
}

// @inline
function unpackSecond(brain: bool, mask: v128, w: usize, to: usize): void {
  v128.store(to, secondOfPair(brain, v128.load(w), mask));
  v128.store(to, secondOfPair(brain, v128.load(w, 16), mask), 16);
}

/** Every fourth input of four rows. @param add to what is in `sums` */
function fourRows(x: usize, stride: usize, tile: usize, inputs: i32, sums: usize, add: bool): void {
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = tile + <usize>inputs * 32; tile < end; tile += 32) {
    const w0 = v128.load(tile);
    const w1 = v128.load(tile, 16);
    const va = v128.load32_splat(x);
    const vb = v128.load32_splat(xb);
    const vc = v128.load32_splat(xc);
    const vd = v128.load32_splat(xd);
    a0 = madd(va, w0, a0);
    a1 = madd(va, w1, a1);
    b0 = madd(vb, w0, b0);
    b1 = madd(vb, w1, b1);
    c0 = madd(vc, w0, c0);
    c1 = madd(vc, w1, c1);
    d0 = madd(vd, w0, d0);
    d1 = madd(vd, w1, d1);
    x += 16;
    xb += 16;
    xc += 16;
    xd += 16;
  }
  keep(sums, a0, a1, add);
  keep(sums + 32, b0, b1, add);
  keep(sums + 64, c0, c1, add);
  keep(sums + 96, d0, d1, add);
}

// @inline
function keep(sums: usize, low: v128, high: v128, add: bool): void {
  v128.store(sums, add ? f32x4.add(v128.load(sums), low) : low);
  v128.store(sums, add ? f32x4.add(v128.load(sums, 16), high) : high, 16);
}
