/**
 * The eight 6-bit scales and eight 6-bit minimums that Q4_K and Q5_K pack into 12 bytes: entries 0..3 are in the low six
 * bits of bytes 0..3 (scales) and 4..7 (minimums); of entries 4..7 the low nibbles are in bytes 8..11 and the upper two
 * bits on top of bytes 0..7.
 */
export function scaleOf(bytes: Uint8Array, at: number, entry: number): number {
  if (entry < 4) return bytes[at + entry] & 63;
  return (bytes[at + entry + 4] & 15) | ((bytes[at + entry - 4] >> 6) << 4);
}

export function minimumOf(bytes: Uint8Array, at: number, entry: number): number {
  if (entry < 4) return bytes[at + entry + 4] & 63;
  return (bytes[at + entry + 4] >> 4) | ((bytes[at + entry] >> 6) << 4);
}

/** Writes the 12 bytes. @param scales 8 values 0..63 @param minimums 8 values 0..63 */
export function packScales(scales: Uint8Array, minimums: Uint8Array, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) {
    bytes[at + i] = scales[i] | ((scales[i + 4] >> 4) << 6);
    bytes[at + i + 4] = minimums[i] | ((minimums[i + 4] >> 4) << 6);
    bytes[at + i + 8] = (scales[i + 4] & 15) | ((minimums[i + 4] & 15) << 4);
  }
}
