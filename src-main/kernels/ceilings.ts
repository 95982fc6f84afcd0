/** What this machine can do at most: loops that only read memory, or only multiply. */
import { dot4 } from './dot';

/** Reads `bytes` (a multiple of 128) from `at`. The result keeps the compiler from leaving the reads out. */
export function readMemory(at: usize, bytes: usize): i32 {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (const end = at + bytes; at < end; at += 128) {
    a = v128.xor(a, v128.xor(v128.load(at), v128.load(at, 16)));
    b = v128.xor(b, v128.xor(v128.load(at, 32), v128.load(at, 48)));
    c = v128.xor(c, v128.xor(v128.load(at, 64), v128.load(at, 80)));
    d = v128.xor(d, v128.xor(v128.load(at, 96), v128.load(at, 112)));
  }
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/** 16 rows of 32 codes times 32 activations, `rounds` times: 512 multiply-adds of 8 bits each, nothing leaves the cache. */
export function multiplyAdd(at: usize, rounds: i32): i32 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; rounds > 0; rounds--) {
    for (let j: usize = 0; j < 8; j++) {
      const x = v128.load32_splat(at + j * 4);
      const w = at + 64 + j * 64;
      s0 = dot4(x, v128.load(w), s0);
      s1 = dot4(x, v128.load(w, 16), s1);
      s2 = dot4(x, v128.load(w, 32), s2);
      s3 = dot4(x, v128.load(w, 48), s3);
    }
  }
  return i32x4.extract_lane(i32x4.add(i32x4.add(s0, s1), i32x4.add(s2, s3)), 0);
}
