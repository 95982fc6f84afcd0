/**
 * Interleaved streams: panels of weights far apart that are read in turn, so that memory is read at several addresses at
 * once. How many are best depends on the processor, and is measured: where it fetches ahead within a page of memory only,
 * eight are up to twice as fast from memory as one; where it also follows what each instruction reads, two are three times
 * as fast as eight.
 */

/** Rows from which on multiplying takes longer than reading the weights from memory. */
export const MANY_ROWS: i32 = 16;

/** Number of streams of `panels`; 0 for too few. @param most 8, 4 or 2, or 0 for none */
// @inline
export function streamsOf(panels: i32, most: i32): i32 {
  return panels >= most ? most : panels >= 4 ? 4 : panels & 2;
}

/** Panels from one stream to the next. */
// @inline
export function apartOf(panels: i32, streams: i32): i32 {
  return streams ? panels / streams : 0;
}
