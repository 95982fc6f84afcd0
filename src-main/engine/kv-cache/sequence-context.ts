/** The cells a sequence occupies, ordered by position. `cells[i]` holds position `positions[i]`. */
export interface SequenceContext {
  readonly cells: Int32Array;
  readonly positions: Int32Array;
}

/** Entries of the ascending `positions` that are at most `position`. */
export function attendedLength(positions: Int32Array, position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle] <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
