/** IEEE 754 binary16 and bfloat16 as bit patterns in a Uint16. Not all supported JavaScript engines have Float16Array. */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Value of every binary16 pattern. A table is much faster than decoding in the dequantisers' inner loops. */
export const F16_TO_F32: Float32Array = Float32Array.from({ length: 65536 }, (_, bits) => decode(bits));

/** Reads the little-endian binary16 at byte `at`. */
export function readF16(bytes: Uint8Array, at: number): number {
  return F16_TO_F32[bytes[at] | (bytes[at + 1] << 8)];
}

/** Nearest binary16, ties to even; overflow gives infinity. NaN keeps its sign and becomes quiet. */
export function toF16Bits(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  const unbiased = exponent - 127 + 15;
  if (unbiased >= 31) return sign | 0x7c00;
  if (unbiased <= 0) {
    if (unbiased < -10) return sign;
    // Subnormal: the implicit one becomes part of the fraction, and the shift rounds to even.
    return sign | roundShift(fraction | 0x800000, 14 - unbiased);
  }
  // A carry out of the fraction increments the exponent, as rounding up requires.
  return sign | ((unbiased << 10) + roundShift(fraction, 13));
}

export function writeF16(bytes: Uint8Array, at: number, value: number): void {
  const bits = toF16Bits(value);
  bytes[at] = bits & 0xff;
  bytes[at + 1] = bits >> 8;
}

function roundShift(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor;
}

/** Value of the bfloat16 pattern `bits`: the upper half of a binary32. */
export function bf16ToF32(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratchFloat[0];
}
