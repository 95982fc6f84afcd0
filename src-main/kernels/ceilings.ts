/** What this machine can do at most: loops that only read memory, or only multiply. */
import { dot4 } from './dot';

/** Reads `bytes` (a multiple of 1024) from `at`, in eight places in turns. The result keeps the compiler from leaving the reads out. */
export function readMemory(at: usize, bytes: usize): i32 {
  const part = bytes >> 3;
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (const end = at + part; at < end; at += 128) {
    let from = at;
    for (let i = 0; i < 8; i++, from += part) {
      a = v128.xor(a, v128.xor(v128.load(from), v128.load(from, 16)));
      b = v128.xor(b, v128.xor(v128.load(from, 32), v128.load(from, 48)));
      c = v128.xor(c, v128.xor(v128.load(from, 64), v128.load(from, 80)));
      d = v128.xor(d, v128.xor(v128.load(from, 96), v128.load(from, 112)));
    }
  }
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/**
 * Four rows of 16 activations times 8 rows of codes, `rounds` times: 512 multiply-adds of 8 bits each, nothing leaves the
 * cache. Eight chains of sums, so that none waits for the one before.
 */
export function multiplyAdd(at: usize, rounds: i32): i32 {
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
  return i32x4.extract_lane(i32x4.add(low, i32x4.add(i32x4.add(a1, b1), i32x4.add(c1, d1))), 0);
}
