/** What this machine can do at most: loops that only read memory, or only multiply. */
import { dot4 } from './base/dot';

/** Where a loop writes what it found, behind what it reads. */
const RESULT: usize = 512;

/**
 * Reads `bytes` (a multiple of 1024) from `at`, in eight interleaved streams or in two, see base/streams.ts. What it writes to the
 * first of them keeps the compiler from leaving the reads out, and is written as base/wide.ts says.
 */
export function readMemory(at: usize, bytes: usize, streams: i32): void {
  if (streams == 2) readInTwo(at, bytes >> 1);
  else readInEight(at, bytes >> 3);
}

function readInEight(at: usize, part: usize): void {
  const result = at;
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (const end = at + part; at < end; at += 128) {
    let from = at;
    for (let i = 0; i < 8; i++, from += part) {
      a = v128.xor(a, v128.xor(v128.load(from), v128.load(from, 32)));
      b = v128.xor(b, v128.xor(v128.load(from, 16), v128.load(from, 48)));
      c = v128.xor(c, v128.xor(v128.load(from, 64), v128.load(from, 96)));
      d = v128.xor(d, v128.xor(v128.load(from, 80), v128.load(from, 112)));
    }
  }
  storeFound(result, a, b, c, d);
}

/** Each stream has instructions of its own. */
function readInTwo(at: usize, part: usize): void {
  const result = at;
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let from = at + part;
  for (const end = from; at < end; at += 128, from += 128) {
    a = v128.xor(a, v128.xor(v128.load(at), v128.load(at, 32)));
    b = v128.xor(b, v128.xor(v128.load(at, 16), v128.load(at, 48)));
    c = v128.xor(c, v128.xor(v128.load(at, 64), v128.load(at, 96)));
    d = v128.xor(d, v128.xor(v128.load(at, 80), v128.load(at, 112)));
    a = v128.xor(a, v128.xor(v128.load(from), v128.load(from, 32)));
    b = v128.xor(b, v128.xor(v128.load(from, 16), v128.load(from, 48)));
    c = v128.xor(c, v128.xor(v128.load(from, 64), v128.load(from, 96)));
    d = v128.xor(d, v128.xor(v128.load(from, 80), v128.load(from, 112)));
  }
  storeFound(result, a, b, c, d);
}

// @inline
function storeFound(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const low = v128.xor(a, c);
  const high = v128.xor(b, d);
  v128.store(to, high, 16);
  v128.store(to, low);
}

/**
 * Four rows of 16 activations times 8 rows of codes, `rounds` times: 512 multiply-adds of 8 bits each, nothing leaves the
 * cache. Eight chains of sums, so that none waits for the one before.
 * @param rounds an even number
 */
export function multiplyAdd(at: usize, rounds: i32): void {
  if (WIDE) wideMultiplyAdd(at, rounds >> 1);
  else narrowMultiplyAdd(at, rounds);
}

function narrowMultiplyAdd(at: usize, rounds: i32): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (; rounds > 0; rounds--) {
    let x = at;
    for (let w = at + 64; w < at + 192; w += 32, x += 16) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const va = v128.load32_splat(x);
      const vb = v128.load32_splat(x, 4);
      const vc = v128.load32_splat(x, 8);
      const vd = v128.load32_splat(x, 12);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
    }
  }
  const low = i32x4.add(i32x4.add(a0, b0), i32x4.add(c0, d0));
  v128.store(at, i32x4.add(low, i32x4.add(i32x4.add(a1, b1), i32x4.add(c1, d1))), RESULT);
}

/** As many chains of twice the width: two panels. */
function wideMultiplyAdd(at: usize, rounds: i32): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let c0 = a0;
  let c1 = a0;
  let c2 = a0;
  let c3 = a0;
  let d0 = a0;
  let d1 = a0;
  let d2 = a0;
  let d3 = a0;
  for (; rounds > 0; rounds--) {
    let x = at;
    for (let w = at + 64; w < at + 192; w += 32, x += 16) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 128);
      const w3 = v128.load(w, 144);
      let v = v128.load32_splat(x);
      a0 = dot4(v, w0, a0);
      a1 = dot4(v, w1, a1);
      a2 = dot4(v, w2, a2);
      a3 = dot4(v, w3, a3);
      v = v128.load32_splat(x, 4);
      b0 = dot4(v, w0, b0);
      b1 = dot4(v, w1, b1);
      b2 = dot4(v, w2, b2);
      b3 = dot4(v, w3, b3);
      v = v128.load32_splat(x, 8);
      c0 = dot4(v, w0, c0);
      c1 = dot4(v, w1, c1);
      c2 = dot4(v, w2, c2);
      c3 = dot4(v, w3, c3);
      v = v128.load32_splat(x, 12);
      d0 = dot4(v, w0, d0);
      d1 = dot4(v, w1, d1);
      d2 = dot4(v, w2, d2);
      d3 = dot4(v, w3, d3);
    }
  }
  const low = i32x4.add(
    i32x4.add(i32x4.add(a0, b0), i32x4.add(c0, d0)),
    i32x4.add(i32x4.add(a2, b2), i32x4.add(c2, d2)),
  );
  const high = i32x4.add(
    i32x4.add(i32x4.add(a1, b1), i32x4.add(c1, d1)),
    i32x4.add(i32x4.add(a3, b3), i32x4.add(c3, d3)),
  );
  v128.store(at, high, RESULT + 16);
  v128.store(at, low, RESULT);
}
