const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const PASSES = 3;

/**
 * The slots of `values[0..length)`, highest value first; stable. A radix sort, because a whole vocabulary is sorted for
 * every token. Values must not be NaN.
 */
export function sortDescending(values: Float32Array, length: number): Int32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, length);
  const keys = new Uint32Array(length);
  const counts = new Uint32Array(PASSES * DIGITS);
  for (let slot = 0; slot < length; slot++) {
    const key = descendingKey(bits[slot]);
    keys[slot] = key;
    for (let pass = 0; pass < PASSES; pass++) counts[pass * DIGITS + digitOf(key, pass)]++;
  }
  let slots = new Int32Array(length).map((_, slot) => slot);
  let next = new Int32Array(length);
  for (let pass = 0; pass < PASSES; pass++) {
    const starts = startsOf(counts.subarray(pass * DIGITS, (pass + 1) * DIGITS));
    for (let i = 0; i < length; i++) next[starts[digitOf(keys[slots[i]], pass)]++] = slots[i];
    [slots, next] = [next, slots];
  }
  return slots;
}

/** An unsigned integer that is lower for a higher float. */
export function descendingKey(floatBits: number): number {
  const bits = floatBits === 0x80000000 ? 0 : floatBits; // -0 equals 0
  return (bits & 0x80000000) !== 0 ? bits : 0x7fffffff - bits;
}

function digitOf(key: number, pass: number): number {
  return (key >>> (pass * DIGIT_BITS)) & (DIGITS - 1);
}

/** Start index of the entries of each digit. */
function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length);
  for (let digit = 1; digit < counts.length; digit++) starts[digit] = starts[digit - 1] + counts[digit - 1];
  return starts;
}
