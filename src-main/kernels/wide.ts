/**
 * How kernels are written for V8's revectoriser, which makes one instruction of 256 bits out of two of 128. It begins at
 * two stores of 16 bytes side by side, and follows what is stored back to where it came from:
 *
 * - both stores take the same address and differ in their constant offset, the higher one comes first, and nothing is
 *   loaded or stored between them;
 * - what is loaded lies side by side in the same way, or is one value for all lanes, by `load32_splat`;
 * - both sides are the same operations, in one order, in the same loop.
 *
 * Only the build with `WIDE` has such kernels: where V8 does not fuse them, as where it checks every address before it is
 * used, those of the others are faster.
 */

// @ts-ignore: decorator
@inline
export function storePair(to: usize, low: v128, high: v128): void {
  v128.store(to, high, 16);
  v128.store(to, low);
}
