/**
 * Copies and zeros of a few vectors. The instructions for it leave V8's compiled code, which takes as long as a hundred of
 * these.
 */

/** @param bytes a multiple of 16 */
// @inline
export function copyVectors(to: usize, from: usize, bytes: usize): void {
  for (const end = from + bytes; from < end; from += 16, to += 16) v128.store(to, v128.load(from));
}

/** @param bytes a multiple of 16 */
// @inline
export function clearVectors(to: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 16) v128.store(to, i32x4.splat(0));
}

/** Loads something of each line of memory, so that all is in the cache. */
// @inline
export function fetch(at: usize, bytes: usize): i32 {
  let found = 0;
  for (const end = at + bytes; at < end; at += 64) found |= load<i32>(at);
  return found;
}
