/**
 * How kernels are written for V8's revectoriser, which makes one instruction of 256 bits out of two of 128. It begins at
 * two stores of 16 bytes side by side, and follows what is stored back to where it came from:
 *
 * - both stores take the same address and differ in their constant offset, the higher one comes first, and nothing is
 *   loaded or stored between them;
 * - what is loaded lies side by side in the same way, or is one value for all lanes, by `load32_splat`;
 * - both sides are the same operations, in one order, in the same loop.
 *
 * Constants are made again wherever they are used, of 128 bits from up to five instructions and of 256 from eight: see `opaque`,
 * which kernels of 128 bits need as much.
 *
 * Where V8 does not fuse them, as where it checks every address before it is used, kernels for more registers are slower: files
 * called `wide` are for the build with `WIDE` only. What is as fast in both is shared (attention/passes.ts, epilogue-rows.ts).
 */

/** Masks of a nibble, the bit above it and of six bits in each byte, and of what a bfloat16 leaves of a float32. */
export const NIBBLES: i32 = 0x0f0f0f0f;
export const FIFTH_BITS: i32 = 0x10101010;
export const SIX_BITS: i32 = 0x3f3f3f3f;
export const UPPER_HALF: i32 = 0xffff0000;

/** Exported, and so a variable, of which no compiler knows that it is always 0. */
export let zero: i32 = 0;

/** A vector of these bits in each lane that V8 keeps in a register, as it does not with a constant. */
// @inline
export function opaque(bits: i32): v128 {
  return i32x4.splat(bits | zero);
}

// @inline
export function opaqueFloat(value: f32): v128 {
  return opaque(reinterpret<i32>(value));
}

/**
 * What it is given, as something V8 does not fuse. Needed where vectors are narrowed, where V8 13 also begins: it follows
 * such beginnings one by one, and where two of them pair the same operations differently, what it makes is wrong.
 */
// @inline
export function unfused(x: v128): v128 {
  return i8x16.swizzle(x, i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

// @inline
export function storePair(to: usize, low: v128, high: v128): void {
  v128.store(to, high, 16);
  v128.store(to, low);
}
